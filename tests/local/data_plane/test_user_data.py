from __future__ import annotations

import base64
import gzip

from hfecs.local.data_plane.user_data import UserData, read_user_data

SCRIPT = """#!/bin/bash
cat > /etc/ecs/ecs.config <<'CONFIG'
ECS_CLUSTER=montage
ECS_INSTANCE_ATTRIBUTES={"hfecs.role": "worker"}
HFECS_END_WITH_TASK=true
CONFIG
"""


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_the_settings_of_the_agent_are_read_from_the_script() -> None:
    assert read_user_data(encoded(SCRIPT)) == UserData("montage", {"hfecs.role": "worker"}, end_with_task=True)


def test_compressed_user_data_is_read_as_well() -> None:
    packed = base64.b64encode(gzip.compress(SCRIPT.encode())).decode()

    assert read_user_data(packed).cluster == "montage"


def test_values_may_be_quoted_and_echoed_line_by_line() -> None:
    assert read_user_data(encoded('export ECS_CLUSTER="montage"\n')) == UserData("montage")


def test_attributes_that_are_no_json_object_keep_the_machine_out_of_the_cluster() -> None:
    for attributes in ("{'hfecs.role': 'worker'}", '["worker"]', "{"):
        broken = encoded(f"ECS_CLUSTER=montage\nECS_INSTANCE_ATTRIBUTES={attributes}\n")

        assert read_user_data(broken) == UserData()


def test_a_machine_without_user_data_joins_nothing() -> None:
    assert read_user_data(None) == UserData()


def test_the_time_that_containers_have_to_stop_is_the_agents() -> None:
    assert read_user_data(encoded(SCRIPT)).stop_timeout == 30
    assert read_user_data(encoded(SCRIPT + "ECS_CONTAINER_STOP_TIMEOUT=600s\n")).stop_timeout == 600
