"""Reading job messages."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from hfecs.agents.worker.job import Options, parse, read_options
from hfecs.errors import WorkflowInvalid

S3 = {"storage": "s3", "bucket": "b", "prefix": "input/"}


def message(**parts: Any) -> bytes:
    return json.dumps({"executable": "mProject", "options": S3, **parts}).encode()


def test_a_job_is_read_with_its_files_and_options() -> None:
    job = parse(
        message(
            id="run-1",
            name="project",
            run="run",
            args=["-X", 3],
            env={"N": 1},
            inputs=[{"name": "a.fits", "_id": 1}],
            outputs=[{"name": "pa.fits"}],
            stdout="log/out.txt",
            options={**S3, "timeout": 60, "wfid": "run"},
        ),
        "s3",
    )

    assert (job.id, job.executable, job.args, job.env) == ("run-1", "mProject", ("-X", "3"), {"N": "1"})
    assert (job.inputs, job.results) == (("a.fits",), ("pa.fits", "log/out.txt"))
    assert (job.options.bucket, job.options.prefix, job.options.timeout) == ("b", "input/", 60.0)


def test_the_storage_of_the_executor_is_used_where_the_job_names_none() -> None:
    job = parse(message(options={"workdir": "/data"}), "local")

    assert (job.options.storage, job.options.workdir) == ("local", "/data")


def test_a_signal_may_stand_for_several_files_and_a_control_signal_for_none() -> None:
    signals = [{"name": "tiles", "files": "a.fits:b.fits"}, {"name": "next", "control": "next"}]

    assert parse(message(inputs=signals), "s3").inputs == ("a.fits", "b.fits")


def test_inputs_may_have_keys_of_their_own() -> None:
    signals = [{"name": "a", "hfecsKeys": {"a": "files/1/input/a"}}, {"name": "b", "hfecsKeys": {}}, {"name": "c"}]

    assert parse(message(inputs=signals), "s3").input_keys == {"a": "files/1/input/a"}


def test_attributes_of_signals_are_put_into_arguments_and_environment() -> None:
    job = parse(
        message(
            inputs=[{"name": "tile", "band": "J", "bandwidth": 2}],
            args=["$tile_bandwidth", "$tile_band.fits", "$HOME"],
            env={"BAND": "$tile_band"},
        ),
        "s3",
    )

    assert job.args == ("2", "J.fits", "$HOME")
    assert job.env == {"BAND": "J"}


@pytest.mark.parametrize(
    ("word", "filled"),
    [("$a_x$a_xy", "12"), ("$$a_x", "$1"), ("$a_$b_x", "$a_3"), ("-o=$b$_x$", "-o=4$"), ("$", "$"), ("$a_", "$a_")],
)
def test_what_stands_for_no_attribute_stays_as_it_is(word: str, filled: str) -> None:
    signals = [{"name": "a", "x": "1", "xy": "2"}, {"name": "b", "x": "3"}, {"name": "b$", "x": "4"}]

    assert parse(message(inputs=signals, args=[word]), "s3").args == (filled,)


def test_a_job_of_thousands_of_files_and_arguments_is_taken_apart_at_once() -> None:
    signals = [{"name": f"tile_{number}", "band": "J"} for number in range(3_000)]
    words = [f"$tile_{number}_name" for number in range(3_000)]
    began = time.process_time()

    job = parse(message(inputs=signals, args=words), "s3")

    assert job.args == job.inputs
    assert time.process_time() - began < 5  # heartbeats wait meanwhile


def test_arguments_in_one_line_are_split_as_a_shell_does() -> None:
    assert parse(message(args="-x 0.99 'big region.hdr'"), "s3").args == ("-x", "0.99", "big region.hdr")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "a//b", ".", ""])
def test_a_file_outside_of_the_job_directory_is_refused(name: str) -> None:
    with pytest.raises(WorkflowInvalid):
        parse(message(outputs=[{"name": name}]), "s3")


def test_output_of_the_command_cannot_go_outside_of_the_job_directory() -> None:
    with pytest.raises(WorkflowInvalid, match=r"'\.\./log' is outside the job's directory"):
        parse(message(stdout="../log"), "s3")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\xff", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"{}", "has no 'executable'"),
        (message(executable=["rm"]), "'executable' is"),
        (message(args={"a": 1}), "'args' are"),
        (message(args=[None]), "neither a text nor a number"),
        (message(args="'open"), "cannot be split"),
        (message(env=["PATH"]), "'env' is"),
        (message(inputs="a.fits"), "not a list of signals"),
        (message(inputs=[{"name": "a", "hfecsKeys": ["a"]}]), "keys of inputs are"),
        (message(inputs=[{"name": "a", "hfecsKeys": {"a": 1}}]), "keys of inputs are"),
        (message(options=[]), "'options' are"),
        (message(options={"storage": "tape"}), "'storage' is 'tape'"),
        (message(options={"storage": "s3"}), "'bucket' is missing"),
        (message(options={"storage": "nfs"}), "'workdir' is missing"),
        (message(options={**S3, "timeout": 0}), "'timeout' is 0"),
    ],
)
def test_what_is_wrong_with_a_message_is_said(body: bytes, words: str) -> None:
    with pytest.raises(WorkflowInvalid, match=words):
        parse(body, "s3")


@pytest.mark.parametrize("key", ["id", "name", "run", "executable", "stdout"])
def test_half_a_character_is_no_text(key: str) -> None:
    with pytest.raises(WorkflowInvalid, match=f"The job's '{key}' is .*, not a text"):
        parse(message(**{key: "x\ud800"}), "s3")


@pytest.mark.parametrize(
    "parts",
    [
        {"args": ["\udfff"]},
        {"env": {"\ud800": "x"}},
        {"env": {"x": "\ud800"}},
        {"inputs": [{"name": "a\ud800"}]},
        {"inputs": [{"name": "a", "band": "\0"}]},
    ],
    ids=str,
)
def test_half_a_character_goes_into_no_program_and_no_file(parts: dict[str, Any]) -> None:
    with pytest.raises(WorkflowInvalid):
        parse(message(**parts), "s3")


def test_an_id_fits_into_the_routing_keys_of_its_events() -> None:
    assert parse(message(id="ż" * 100), "s3").id == "ż" * 100

    with pytest.raises(WorkflowInvalid, match="The job's 'id' is longer than 200 bytes"):
        parse(message(id="ż" * 101), "s3")


@pytest.mark.parametrize("timeout", ["Infinity", "NaN", "-1", "0", '"60"', "true"])
def test_a_time_limit_is_a_number_of_seconds(timeout: str) -> None:
    body = message(options={**S3, "timeout": "@"}).replace(b'"@"', timeout.encode())

    with pytest.raises(WorkflowInvalid, match=r"'timeout' is .*, not a number of seconds"):
        parse(body, "s3")


def test_a_time_limit_of_ages_is_one_of_a_year() -> None:
    body = message(options={**S3, "timeout": 10**400})

    assert parse(body, "s3").options.timeout == 31_536_000


def test_what_is_long_or_deep_is_not_shown_whole() -> None:
    deep = b'{"executable": "x", "inputs": [{"name": ' + b"[" * 900 + b"]" * 900 + b"}]}"

    for body in (deep, message(args={"x" * 5000: 1}), message(stdout="/" + "x" * 5000)):
        with pytest.raises(WorkflowInvalid) as refused:
            parse(body, "s3")
        assert len(refused.value.message) < 500


@pytest.mark.parametrize("args", [["in.*", "|", "sort", "-r"], "in.* | sort -r"])
def test_with_shell_the_program_and_its_arguments_are_a_line_of_shell(args: Any) -> None:
    job = parse(message(executable="cat", args=args, shell=True), "s3")

    assert job.words == ("/bin/sh", "-c", "cat in.* | sort -r")
    assert job.executable == "cat"


@pytest.mark.parametrize(
    ("workdir", "nfs", "directory"),
    [("run-1", "/nfs", "/nfs/run-1"), ("/data/run", "/nfs", "/data/run"), ("/data/run", "", "/data/run")],
)
@pytest.mark.parametrize("storage", ["nfs", "local"])
def test_a_directory_that_is_not_absolute_is_below_that_of_the_file_server(
    storage: str, workdir: str, nfs: str, directory: str
) -> None:
    assert read_options({"workdir": workdir}, storage, nfs) == Options(storage, workdir=directory)


def test_a_relative_directory_without_a_file_server_is_refused() -> None:
    with pytest.raises(WorkflowInvalid, match="'workdir' is 'run-1', but this executor has no file server"):
        read_options({"storage": "nfs", "workdir": "run-1"}, "s3", "")


@pytest.mark.parametrize(("options", "image"), [({}, ""), ({"container": ""}, ""), ({"container": "a:1"}, "a:1")])
def test_a_job_may_name_its_image(options: dict[str, Any], image: str) -> None:
    assert read_options({"bucket": "b", **options}, "s3", "").container == image


@pytest.mark.parametrize("image", ["--privileged", 3])
def test_what_is_no_image_is_refused(image: object) -> None:
    with pytest.raises(WorkflowInvalid, match="'container'"):
        read_options({"bucket": "b", "container": image}, "s3", "")


@pytest.mark.parametrize(("options", "retries"), [({}, 2), ({"retries": 0}, 0), ({"retries": 7}, 7)])
def test_a_job_may_say_how_often_it_is_tried_again(options: dict[str, Any], retries: int) -> None:
    assert read_options({"bucket": "b", **options}, "s3", "").retries == retries


@pytest.mark.parametrize("retries", [-1, 101, True, "2", 1.5])
def test_what_is_no_number_of_retries_is_refused(retries: object) -> None:
    with pytest.raises(WorkflowInvalid, match="'retries'"):
        read_options({"bucket": "b", "retries": retries}, "s3", "")
