"""Functions of processes: jobs, the engine's, the user's, and those that nobody has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hfecs import workflow
from hfecs.errors import WorkflowInvalid
from hfecs.workflow.functions import exports
from workflow.documents import document, job_directory, process


def loaded(directory: Path, *names: str, functions: str | None = None) -> workflow.Workflow:
    processes = [process(f"p{n}", [0], [n + 1], function=name) for n, name in enumerate(names)]
    return workflow.load(job_directory(directory, document(*processes, signals=len(names) + 1), functions))


def refusal(directory: Path, *names: str, functions: str | None = None) -> str:
    with pytest.raises(WorkflowInvalid) as raised:
        loaded(directory, *names, functions=functions)
    assert "{{function}}" in (raised.value.hint or "")
    return raised.value.message


@pytest.mark.parametrize("name", ["{{function}}", "amqpCommand", "command", "redisCommand"])
def test_a_job_is_a_job_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    assert [process.is_job for process in loaded(tmp_path, name).processes] == [True]


@pytest.mark.parametrize("name", ["k8sCommand", "bojK8sCommand", "awsLambdaCommand", "RESTServiceCommand"])
def test_jobs_that_the_engine_would_run_in_its_own_way_are_refused(tmp_path: Path, name: str) -> None:
    told = refusal(tmp_path, name, "noop", name)

    assert f"p0 (process 0), p2 (process 2): the function {name} " in told
    assert "1 fault" in told


@pytest.mark.parametrize("name", ["command_print", "commandLocalMock"])
def test_jobs_that_would_only_be_printed_are_refused(tmp_path: Path, name: str) -> None:
    assert f"the function {name} only prints commands" in refusal(tmp_path, name)


@pytest.mark.parametrize(
    ("name", "functions", "nearest"),
    [
        ("amqpcommand", None, "amqpCommand"),
        ("comand", None, "command"),
        ("sqrt", None, "sqr"),
        ("summ", "exports.sum = sum; function sum() {}", "sum"),
        ("helper", "exports.sum = helper; function helper() {}  // helper", ""),
        ("sun", "module.exports = { sum(ins) { return sun; } };", "sum"),
        ("amqp_command", "exports.sum = sum;", "amqpCommand"),
        ("constructor", None, ""),
        ("__proto__", None, ""),
        ("zzzzzz", None, ""),
    ],
)
def test_a_function_that_nobody_has_is_refused_and_the_nearest_one_told(
    tmp_path: Path, name: str, functions: str | None, nearest: str
) -> None:
    told = refusal(tmp_path, name, functions=functions)

    assert f"neither the engine nor workdir/functions.js has a function {name}" in told
    assert ("did you mean" in told) == bool(nearest)
    assert f"did you mean {nearest}?" in told or not nearest


@pytest.mark.parametrize(
    "functions",
    ["exports.own = () => {};", "module.exports = { own };", "function own() {}\nmodule.exports = {own: own}"],
)
def test_functions_of_the_user_are_found(tmp_path: Path, functions: str) -> None:
    assert not loaded(tmp_path, "own", functions=functions).processes[0].is_job


def test_functions_in_other_files_of_the_workdir_are_found(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    made = document(process("p", [0], [1], function="own"))
    directory = job_directory(tmp_path / "job", made, "module.exports = require('./lib/more');")
    (directory / "workdir" / "lib").mkdir()
    (directory / "workdir" / "lib" / "more.js").write_text("exports.own = 1;")

    assert workflow.load(directory)


def test_what_only_functions_read_or_write_is_data_and_no_file(tmp_path: Path) -> None:
    made: Any = document(
        process("square", [1], [2], function="sqr"),
        process("copy", [0], [3]),
        signals=[{"name": "s0"}, {"name": "number", "data": [3]}, {"name": "square"}, {"name": "copy"}],
        outs=[2, 3],
    )

    kept = workflow.load(job_directory(tmp_path, made))

    assert (kept.inputs(), kept.outputs()) == (["s0"], ["copy"])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("exports.a = () => {};", "a"),
        ("module.exports.a = function (ins, outs) {}", "a"),
        ("exports.a = exports.b = f;", "a b"),
        ("exports['a'] = f; exports[\"b\"] = f", "a b"),
        ("Object.defineProperty(exports, 'a', { value: f });", "a"),
        ("module.exports = { a, b: f, c(ins) { return {d: 1}; }, async e() {}, 'g': [1, 2], };", "a b c e g"),
        ("exports = module.exports = {a: a}", "a"),
        ("module.exports = exports = { a: ({x}, y) => ({ z: y }) };", "a"),
        ("module.exports = { a: 'text, with: } marks', b };", "a b"),
        ("// exports.b = f\nexports.a = f; /* exports.c = f */ const url = 'http://x';", "a"),
        ("exports.a = f; function f() { exports.a(); }", "a"),
    ],
)
def test_exports_that_can_be_told_are_known_and_nothing_else_is(text: str, names: str) -> None:
    found = exports(text)

    assert (found.names, found.may_have_others) == (frozenset(names.split()), False)


@pytest.mark.parametrize(
    "text",
    [
        "module.exports = require('./more');",
        "module.exports = { a, ...more };",
        "module.exports = { [name]: f, a };",
        "Object.assign(exports, {a: f});",
        "for (const name of names) exports[name] = f;",
        "this.a = f;",
        "module['exports'].a = f; exports.b = f",
        "(function (x) { x.a = f; })(exports);",
        "",
    ],
)
def test_a_file_that_exports_in_other_ways_may_have_what_it_mentions(text: str) -> None:
    found = exports(text)

    assert found.may_have_others
    assert found.has("mine", "function mine() {}")
    assert not found.has("mine", "function mines() {}")


def test_a_name_that_only_stands_in_the_text_is_not_exported() -> None:
    text = "function helper() {}\nexports.a = () => helper('other');"

    assert not any(exports(text).has(name, text) for name in ("helper", "other"))
