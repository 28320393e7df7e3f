"""Variables of a workflow: where their values are from, where they go, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hfecs import workflow
from hfecs.errors import Misused, WorkflowInvalid
from hfecs.workflow.variables import given
from workflow.documents import document, process


def text(*names: str, **more: Any) -> str:
    """A workflow that copies s0 to a file, over signals with these names."""
    return json.dumps(document(process("copy", [0], [1]) | more, signals=[{"name": name} for name in names]))


def faults_of(source: str, *words: str, **environ: str) -> list[str]:
    """What is wrong with a workflow and its variables."""
    values, asked = given(words, environ)
    with pytest.raises(WorkflowInvalid) as raised:
        workflow.parse(source, values, asked=asked)
    assert raised.value.hint
    return [line.strip() for line in raised.value.message.splitlines()[1:]]


def test_the_command_line_goes_before_the_environment() -> None:
    environ = {"HF_VAR_a": "1", "HF_VAR_b": "2", "HOME": "/"}

    assert given(["b=3", "c=x=y", "d="], environ) == ({"a": "1", "b": "3", "c": "x=y", "d": ""}, {"b", "c", "d"})


@pytest.mark.parametrize("words", [["a"], ["=1"], ["1a=1"], ["a b=1"], ["a=1", "a=2"], [""]])
def test_what_is_no_name_with_a_value_is_misuse(words: list[str]) -> None:
    with pytest.raises(Misused):
        given(words, {})


def test_a_workflow_has_the_variables_that_it_names() -> None:
    loaded = workflow.parse(text("s0", "{{ prefix }}a"), {"prefix": "x-", "other": "y"})

    assert loaded.variables == {"prefix": "x-"}
    assert loaded.outputs() == ["x-a"]


def test_names_of_files_are_checked_with_their_values() -> None:
    assert faults_of(text("s0", "{{folder}}/a"), "folder=..") == [
        "signal 1: ../a cannot be the name of a file in input/"
    ]


def test_values_are_texts_in_json_whatever_they_contain() -> None:
    value = 'a"b\\c\n<&>é{{x}}'

    loaded = workflow.parse(text("s0", "s1", name="{{{name}}}"), {"name": value})

    assert loaded.processes[0].name == value


def test_a_number_may_be_a_variable() -> None:
    source = text("s0", "s1").replace('"ins": [0]', '"ins": [{{first}}]')

    assert workflow.parse(source, {"first": "0"}).processes[0].ins == (0,)


def test_a_name_without_a_value_is_told_with_its_line_and_how_to_give_it_one() -> None:
    source = text("s0", "{{a}}{{b}}{{a}}").replace(', "signals"', ',\n"signals"')

    with pytest.raises(WorkflowInvalid, match=r"\{\{a\}\} in line 2 has no value\n.*\{\{b\}\} in line 2") as raised:
        workflow.parse(source)

    assert "--var a=VALUE" in raised.value.hint
    assert "HF_VAR_a" in raised.value.hint


def test_an_unknown_name_on_the_command_line_is_refused_with_the_nearest_one() -> None:
    (unknown,) = faults_of(text("s0", "{{prefix}}a"), "prefx=1", HF_VAR_prefix="2", HF_VAR_other="3")

    assert unknown == "--var prefx: the file has no {{prefx}}; did you mean prefix?"


@pytest.mark.parametrize(
    "tag", ["{{#a}}x{{/a}}", "{{! comment}}", "{{> part}}", "{{=<% %>=}}", "{{.}}", "{{ .State }}"]
)
def test_other_tags_of_mustache_are_refused(tag: str) -> None:
    assert any("is no variable" in fault for fault in faults_of(text("s0", "s1", name=tag), HF_VAR_a="1"))


def test_the_function_of_jobs_may_be_chosen_as_hyperflow_does() -> None:
    (copy,) = workflow.parse(text("s0", "s1"), {"function": "redisCommand"}).processes

    assert (copy.function, copy.is_job) == ("redisCommand", True)


@pytest.mark.parametrize("value", ["\udcff", "a\0b"])
def test_a_value_that_no_program_can_have_is_refused(value: str) -> None:
    assert any("the value of a" in fault for fault in faults_of(text("s0", "s1", name="{{a}}"), f"a={value}"))


def test_more_than_a_task_can_be_given_is_refused() -> None:
    (fault,) = faults_of(text("s0", "s1", name="{{a}}{{b}}"), "a=" + 3000 * "x", "b=" + 3000 * "y")

    assert fault.endswith("and a task takes 5000")
