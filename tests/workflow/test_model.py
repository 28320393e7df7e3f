from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfecs import workflow
from hfecs.errors import WorkflowInvalid


def job(name: str, ins: list[int | str], outs: list[int | str], **more: Any) -> dict[str, Any]:
    executor = {"executable": name, "args": ["-v"]}
    return {"name": name, "function": "amqpCommand", "ins": ins, "outs": outs, "config": {"executor": executor}, **more}


def dag(processes: list[Any], files: list[str], **more: Any) -> dict[str, Any]:
    return {
        "name": "w",
        "processes": processes,
        "signals": [{"name": file} for file in files],
        "ins": [],
        "outs": [],
    } | more


def faults_of(document: Any, **more: Any) -> list[str]:
    text = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(WorkflowInvalid) as raised:
        workflow.parse(text, **more)
    assert raised.value.hint
    return [line.strip() for line in raised.value.message.splitlines()[1:]]


@pytest.fixture
def job_directory(tmp_path: Path) -> Path:
    for name in ("workdir", "input"):
        (tmp_path / name).mkdir()
    write(tmp_path, dag([job("cut", [0], [1]), job("join", [1], [2])], ["sky.fits", "half.fits", "whole.fits"]))
    (tmp_path / "input" / "sky.fits").touch()
    return tmp_path


def write(directory: Path, document: Any) -> None:
    (directory / "workdir" / "dag.json").write_text(json.dumps(document))


def test_a_job_directory_is_loaded_with_its_numbers(job_directory: Path) -> None:
    loaded = workflow.load(job_directory)

    assert loaded.name == "w"
    assert [process.program for process in loaded.processes] == ["cut", "join"]
    assert loaded.inputs() == ["sky.fits"]
    assert loaded.outputs() == ["whole.fits"]


def test_the_width_counts_the_jobs_side_by_side_and_the_chain_those_one_after_the_other() -> None:
    fan = [job("split", [0], [1, 2, 3]), *[job("work", [n], [n + 3]) for n in (1, 2, 3)], job("join", [4, 5, 6], [7])]

    loaded = workflow.from_document(dag(fan, list("abcdefgh")))

    assert (loaded.width(), loaded.longest_chain()) == (3, 3)
    assert list(loaded.jobs_by_program().items()) == [("split", 1), ("work", 3), ("join", 1)]


def test_the_outputs_are_those_that_the_workflow_names() -> None:
    loaded = workflow.from_document(dag([job("cut", [0], [1, 2])], ["a", "b", "c"], outs=[2]))

    assert loaded.outputs() == ["c"]


def test_signals_can_be_given_by_name() -> None:
    loaded = workflow.from_document(dag([job("cut", ["a"], ["b"])], ["a", "b"], outs=["b"]))

    assert (loaded.processes[0].ins, loaded.processes[0].outs, loaded.outs) == ((0,), (1,), (1,))


def test_a_signal_can_stand_for_several_files_and_a_control_signal_for_none() -> None:
    document = dag([job("cut", [0, 1], [2])], ["pair", "go", "out"])
    document["signals"][0]["files"] = "a.fits:b.fits"
    document["signals"][1] |= {"control": "next", "data": [{}]}

    assert workflow.from_document(document).inputs() == ["a.fits", "b.fits"]


def test_variables_are_filled_and_without_one_the_function_is_that_of_jobs() -> None:
    document = dag([job("{{ program }}", [0], [1], function="{{function}}")], ["{{{band}}}.fits", "out"])

    loaded = workflow.parse(json.dumps(document), {"program": 'a/"b"', "band": "j"})

    assert loaded.processes[0].program == 'a/"b"'
    assert loaded.processes[0].function == "amqpCommand"
    assert loaded.inputs() == ["j.fits"]


@pytest.mark.parametrize("missing", ["", "workdir", "workdir/dag.json"])
def test_a_missing_part_of_the_job_directory_is_named(job_directory: Path, missing: str) -> None:
    (job_directory / missing).rename(job_directory.with_name(f"{job_directory.name} elsewhere"))

    with pytest.raises(WorkflowInvalid, match=str(job_directory / missing)):
        workflow.load(job_directory)


def test_a_file_that_is_not_utf8_says_at_which_byte(job_directory: Path) -> None:
    (job_directory / "workdir" / "dag.json").write_bytes(b'{"name": "\xff"}')

    with pytest.raises(WorkflowInvalid, match="byte 10 is not UTF-8"):
        workflow.load(job_directory)


def test_a_job_directory_without_its_inputs_names_the_file_and_its_readers(job_directory: Path) -> None:
    (job_directory / "input" / "sky.fits").unlink()

    with pytest.raises(WorkflowInvalid, match=r"sky\.fits is read by cut \(process 0\), but no process writes it"):
        workflow.load(job_directory)


def test_inputs_may_lie_in_folders_below_input(job_directory: Path) -> None:
    write(job_directory, dag([job("cut", [0], [1])], ["raw/sky.fits", "out"]))
    (job_directory / "input" / "raw").mkdir()
    (job_directory / "input" / "raw" / "sky.fits").touch()

    assert workflow.load(job_directory).inputs() == ["raw/sky.fits"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{\n  "name": }', "not JSON: Expecting value in line 2, column 11"),
        ('{"name": NaN}', "not JSON: NaN is no JSON number"),
        ("[" * 100_000, "not JSON: maximum recursion depth exceeded"),
        ("[]", "the document: must be an object"),
    ],
)
def test_what_is_not_a_json_object_is_refused(text: str, fault: str) -> None:
    assert faults_of(text)[0].startswith(fault)


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (dag([], ["a"]), "processes: there are none"),
        ({"processes": []}, "signals: missing"),
        (dag([{"name": "cut"}], ["a"]), "cut (process 0): function: missing"),
        (dag([7], ["a"]), "without a name (process 0): must be an object"),
        (dag([job("cut", [True], [0])], ["a"]), "cut (process 0): ins.0: must be a whole number or must be a text"),
        (dag([job("cut", [], [0], config={})], ["a"]), "cut (process 0): config.executor is missing"),
        (dag([job("cut", [0], [5])], ["a"]), "cut (process 0): outs: signal 5 is out of range, there are 1 signals"),
        (dag([job("cut", [-1], [0])], ["a"]), "cut (process 0): ins: signal -1 is out of range, there are 1 signals"),
        (
            dag([job("cut", [], [0])], ["a"], outs=[1]),
            "the workflow's outs: signal 1 is out of range, there are 1 signals",
        ),
        (dag([job("cut", ["b"], [0])], ["a"]), "cut (process 0): ins: no signals are called b"),
        (dag([job("cut", ["a"], [2])], ["a", "a", "b"]), "cut (process 0): ins: 2 signals are called a"),
        (dag([job("one", [], [0]), job("two", [], [0])], ["a"]), "a is written by one (process 0), two (process 1)"),
        (
            dag([job("one", [], [0]), job("two", [1], [])], ["a", "a"]),
            "a, written by one (process 0), is the file of 2 signals",
        ),
        (dag([job("cut", [0], [1])], ["{{band}}.fits", "b"]), "{{band}} in line 1 has no value"),
    ],
)
def test_a_fault_names_the_process_and_the_key_or_file(document: Any, fault: str) -> None:
    assert fault in faults_of(document)


def test_a_name_of_a_signal_may_be_a_number_as_in_the_engine() -> None:
    document = dag([job("cut", [0], [1])], ["a", "b"])
    document["signals"][1]["name"] = 7

    assert workflow.from_document(document).outputs() == ["7"]


def test_a_cycle_is_named_with_its_processes() -> None:
    (fault,) = faults_of(dag([job("cut", [0], [1]), job("join", [1], [0])], ["a", "b"]))

    assert fault.startswith("not a directed acyclic graph: ")
    assert {"cut (process 0)", "join (process 1)"} <= set(fault.split(": ")[1].split(" -> "))


def test_a_file_that_is_sent_at_the_start_must_not_be_written() -> None:
    document = dag([job("cut", [], [0])], ["a"])
    document["signals"][0]["data"] = [{}]

    assert faults_of(document) == ["a is sent at the start, but cut (process 0) writes it"]


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../a", "a/../b", "a//b", "./a", "a/", "a\nb"])
def test_a_name_that_is_not_plainly_inside_of_input_is_refused(name: str) -> None:
    (fault,) = faults_of(dag([job("cut", [], [0])], [name]))

    assert fault.endswith("cannot be the name of a file in input/")


def test_all_faults_are_told_at_once() -> None:
    document = dag([job("cut", [0, 1, 3], [2]), job("paste", [], [2])], ["a", "b", "../c", "{{d}}"])

    assert len(faults_of(document, files=[])) == 5


def test_a_long_list_of_readers_is_cut_short() -> None:
    (fault,) = faults_of(dag([job("cut", [0], []) for _ in range(100)], ["a"]), files=[])

    assert "cut (process 5) and 94 more" in fault


Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
Reference = st.integers(-2, 4) | st.sampled_from(["a", "b", "{{x}}"]) | Json
References = st.lists(Reference, max_size=3) | Json
AlmostProcess = st.fixed_dictionaries(
    {"name": st.text(max_size=3) | Json, "function": st.just("amqpCommand") | Json},
    optional={"ins": References, "outs": References, "config": st.just({"executor": {"executable": "p"}}) | Json},
)
AlmostSignal = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "../c", "{{x}}", ""]) | Json},
    optional={"data": Json, "control": Json, "files": st.just("a:b") | Json},
)
AlmostDag = st.fixed_dictionaries(
    {
        "processes": st.lists(AlmostProcess | Json, max_size=4) | Json,
        "signals": st.lists(AlmostSignal | Json, max_size=4) | Json,
        "ins": References,
        "outs": References,
    }
)


@settings(deadline=None)
@given(Json | AlmostDag)
def test_any_json_document_is_a_workflow_or_invalid(document: Any) -> None:
    try:
        loaded = workflow.parse(json.dumps(document), files=["a"])
    except WorkflowInvalid as invalid:
        assert all(line.isprintable() for line in invalid.message.splitlines())
    else:
        assert loaded.inputs() in ([], ["a"])
        assert 1 <= loaded.width() <= len(loaded.processes)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_workflow_or_invalid(text: str) -> None:
    with pytest.raises(WorkflowInvalid):
        workflow.parse(text)


@settings(deadline=None)
@given(st.lists(st.sets(st.integers(0, 12)), min_size=1, max_size=12))
def test_the_longest_chain_is_that_of_the_plain_definition(readings: list[set[int]]) -> None:
    earlier = [{before for before in reads if before < number} for number, reads in enumerate(readings)]
    document = dag(
        [job("p", list(reads), [number]) for number, reads in enumerate(earlier)], [f"f{n}" for n in range(12)]
    )

    loaded = workflow.from_document(document)

    def chain(number: int) -> int:
        return 1 + max((chain(before) for before in earlier[number]), default=0)

    assert loaded.longest_chain() == max(map(chain, range(len(earlier))))


def test_inputs_that_lie_on_a_file_server_are_not_looked_for(job_directory: Path) -> None:
    (job_directory / "input" / "sky.fits").unlink()

    loaded = workflow.load(job_directory, inputs_elsewhere=True)

    assert loaded.inputs() == ["sky.fits"]


def test_half_a_character_is_no_name() -> None:
    told = faults_of(dag([job("cut", [0], [1])], ["a", "b\ud800"]))

    assert told == [r"'b\ud800' (signal 1): name: must be a text of whole characters"]


@pytest.mark.parametrize("name", ["x" * 256, "ż" * 128, "/".join(["x" * 200] * 6)])
def test_a_name_that_no_file_system_and_no_bucket_takes_is_a_fault(name: str) -> None:
    told = faults_of(dag([job("cut", [0], [1])], ["a", name]))

    assert told == [f"signal 1: {name} cannot be the name of a file in input/"]


@pytest.mark.parametrize("name", [b"Z\xfcrich.png", b"a\nb", b"\x07"])
def test_a_file_of_input_that_no_bucket_takes_is_named_though_no_signal_does(job_directory: Path, name: bytes) -> None:
    (job_directory / "input" / os.fsdecode(name)).touch()

    with pytest.raises(WorkflowInvalid, match=r"input/.* has a name that is not UTF-8") as raised:
        workflow.load(job_directory)
    assert all(line.isprintable() for line in raised.value.message.splitlines())


def test_links_to_folders_are_followed_and_those_in_a_circle_once(job_directory: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.txt").touch()
    (job_directory / "input" / "dir").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(job_directory / "input")
    write(job_directory, dag([job("cut", [0, 1], [2])], ["sky.fits", "dir/x.txt", "out"]))

    assert workflow.load(job_directory).inputs() == ["sky.fits", "dir/x.txt"]
