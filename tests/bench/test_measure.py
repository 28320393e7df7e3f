import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import boto3
import pytest
from calls import longest_chain, read
from cloud import CREDENTIALS, Cloud, running
from measure import Phase, median_phase, run_once
from table import tool_lines
from tools import PHASES, CommandFailed, Tool, run

MAKE = """
    import boto3
    iam = boto3.client("iam")
    if not iam.list_roles()["Roles"]:
        iam.create_role(RoleName="stand-in", AssumeRolePolicyDocument="{}")
"""
UNMAKE = """
    import boto3
    boto3.client("iam").delete_role(RoleName="stand-in")
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("cloud"), delay_ms=30) as cloud:
        yield cloud


def stand_in(cloud: Cloud, make: str = MAKE, unmake: str = UNMAKE) -> Tool:
    up, destroy = ([sys.executable, "-c", dedent(text)] for text in (make, unmake))
    environment = dict(os.environ) | CREDENTIALS | {"AWS_ENDPOINT_URL": cloud.endpoint}
    return Tool("stand-in", {"up": up, "up again": up, "destroy": destroy}, environment)


def test_a_tools_calls_are_counted_phase_by_phase(cloud: Cloud, tmp_path: Path) -> None:
    phases = run_once(stand_in(cloud), cloud, tmp_path)

    assert [(len(phases[name].calls), phases[name].changing) for name in PHASES] == [(2, 1), (1, 0), (1, 1)]
    assert [call.name for call in phases["up"].chain] == ["iam ListRoles", "iam CreateRole"]
    assert [phases[name].standing for name in PHASES] == [{"role": 1}, {"role": 1}, {}]


def test_each_call_takes_the_delay_and_calls_side_by_side_overlap(cloud: Cloud) -> None:
    iam = boto3.client(
        "iam",
        endpoint_url=cloud.endpoint,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    )
    before = len(read(cloud.log, 0, float("inf")))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: iam.list_roles(), range(8)))

    calls = read(cloud.log, 0, float("inf"))[before:]
    assert len(calls) == 8
    assert all(call.end - call.start >= 0.03 for call in calls)
    assert len(longest_chain(calls)) < 8


def test_a_command_that_fails_says_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"exit code 3:\nno such cluster"):
        run([sys.executable, "-c", "import sys; print('no such cluster'); sys.exit(3)"], tmp_path, dict(os.environ))


def test_the_median_of_two_phases_is_the_faster_one() -> None:
    phases = [Phase(0, seconds, [], {}) for seconds in (5, 2)]

    assert median_phase(phases).seconds == 2


def test_the_table_tells_which_goals_were_met() -> None:
    seconds = {"up": 3.5, "up again": 1.0, "destroy": 2.0}
    runs = [{name: Phase(0, seconds[name], [], {"alarm": 2} if name == "up" else {}) for name in PHASES}]

    lines = list(tool_lines("hfecs", runs, goals=True))

    assert ["missed" in line for line in lines[1:4]] == [True, False, False]
    assert lines[4:] == ["  stands after up: 2 (alarm 2)", "  left after destroy: nothing"]
