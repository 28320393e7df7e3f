from __future__ import annotations

from typing import Any

import pytest

from hfecs.agents.worker.options import Options, read_options
from hfecs.errors import WorkflowInvalid


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
