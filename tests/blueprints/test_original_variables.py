"""Every variable of the Terraform project takes effect in what is created; original_variables.toml lists them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from blueprints.created import CREATED
from hfecs.blueprints import cluster
from hfecs.blueprints import run as run_blueprint
from hfecs.config import Config
from hfecs.config import load as settings
from hfecs.config.keys import meanings, originals
from hfecs.provisioning.diff import contained
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import State
from standing import once
from support import WORKING, WatchedCloud, add_machine, again, stack_of, write_job

VARIABLES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("original_variables.toml").read_text())[
    "variables"
]
OF_A_RUN = {"runner definition", "bucket", "engine"}


def created(cloud: WatchedCloud, folder: Path, seen: str, **values: Any) -> dict[str, Any]:
    """The thing that is to be seen, of a cluster (and a run on it) that was made with these values."""
    job = write_job(folder / "job")
    given = WORKING | {"run.bucket": "default-1", "run.job_directory": str(job)} | values
    config = settings.load(folder / "none.toml", {}, given, {})
    whole = stack_of(cloud, State.load(folder / "hfecs.state.json"), cluster=config.cluster.name)
    what = (cloud.region, seen in OF_A_RUN, repr(values))
    once(whole, what, lambda: make(whole, config, with_run=seen in OF_A_RUN))
    return CREATED[seen](cloud, whole.full_name(""))


def make(whole: Stack, config: Config, *, with_run: bool) -> None:
    cluster.up(whole, config)
    if with_run:
        add_machine(whole)
        runs = stack_of(whole.cloud, whole.state, run_blueprint.STACK, cluster=config.cluster.name)
        bucket, directory = str(config.run.bucket), Path(str(config.run.job_directory))
        run_blueprint.up(runs, again(whole), config, run=run_blueprint.Run("one", bucket), directory=directory)


@pytest.mark.parametrize("variable", VARIABLES, ids=[f"{one['old']} in the {one['seen']}" for one in VARIABLES])
def test_a_variable_takes_effect(variable: dict[str, Any], cloud: WatchedCloud, tmp_path: Path) -> None:
    cloud.answer("DescribeKeyPairs", KeyPairs=[{"KeyName": "mine"}])
    cloud.answer("DescribeImages", Images=[{"ImageId": "ami-0a1b", "Architecture": "x86_64"}])
    (write_job(tmp_path / "JOB") / "input/second.txt").write_text("2")
    value = str(tmp_path / "JOB") if variable["value"] == "JOB" else variable["value"]
    key, seen, wanted = variable["key"], variable["seen"], variable["as"]
    elsewhere = WatchedCloud(value) if key == "aws.region" else cloud

    told = created(elsewhere, tmp_path, seen, **{key: value}, **variable.get("with", {}))

    assert contained(wanted, told), told


@pytest.mark.parametrize("seen", sorted({one["seen"] for one in VARIABLES} - {"telegraf definition"}))
def test_nothing_of_it_is_there_by_default(seen: str, cloud: WatchedCloud, tmp_path: Path) -> None:
    told = created(cloud, tmp_path, seen)

    found = [one["old"] for one in VARIABLES if one["seen"] == seen and contained(one["as"], told)]
    assert found == []


def test_the_list_holds_every_variable_that_the_configuration_names() -> None:
    assert {one["old"] for one in VARIABLES} == set(originals())


def test_the_list_says_of_each_variable_what_the_configuration_says() -> None:
    known = {(old, key) for key, meaning in meanings().items() for old in meaning.originals}

    assert {(one["old"], one["key"]) for one in VARIABLES} == known


def test_the_page_for_those_who_move_has_each_variable_with_its_key() -> None:
    page = (Path(__file__).parents[2] / "docs" / "moving-from-terraform.md").read_text()
    rows = [
        [cell.strip(" `") for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")
    ]
    told = {(row[0], row[2]) for row in rows if len(row) == 5}

    assert told == {(old, key) for old, key in originals().items()}
