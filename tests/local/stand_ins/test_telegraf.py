from __future__ import annotations

import os
import subprocess
import sys

from hfecs.local.stand_ins.telegraf import Usage, lines, measurements, tags_of, usage

BUSY = """
import os, time
os.write(1, b"x" * 5_000_000)
while time.process_time() < 0.3: pass
"""


def test_the_machine_is_named_by_its_address_as_on_aws() -> None:
    assert tags_of({"HFECS_ADDRESS": "127.16.0.4", "CLUSTER_NAME": "stars"}) == "cluster=stars,host=ip-127-16-0-4"


def test_what_was_used_in_a_period_becomes_percent_of_all_cores() -> None:
    cores = os.cpu_count() or 1

    points = measurements(Usage(user=1.0, system=1.0), Usage(user=1.0 + cores, system=1.0 + cores / 2), 2.0)

    (processor,) = [fields for name, _, fields in points if name == "hyperflow_cpu_usage_ec2"]
    assert processor == {"usage_user": 50.0, "usage_system": 25.0, "usage_idle": 25.0}


def test_every_measurement_of_telegraf_is_written_with_its_tags() -> None:
    written = lines(list(measurements(Usage(), Usage(read=7, written=8), 1.0)), "cluster=c,host=h").decode().split("\n")

    heads = [line.split(" ")[0] for line in written]
    assert heads == [
        "hyperflow_cpu_usage_ec2,cluster=c,host=h,cpu=cpu-total",
        "hyperflow_memory_usage_ec2,cluster=c,host=h",
        "hyperflow_disc_read,cluster=c,host=h,name=processes",
        "hyperflow_disc_write,cluster=c,host=h,name=processes",
        "hyperflow_connection_received,cluster=c,host=h,interface=lo",
        "hyperflow_connection_transferred,cluster=c,host=h,interface=lo",
    ]
    assert "hyperflow_disc_read,cluster=c,host=h,name=processes read_bytes=7.0" in written


def test_children_count_while_they_live_and_when_they_have_ended() -> None:
    before = usage(os.getpid())

    subprocess.run([sys.executable, "-c", BUSY], stdout=subprocess.DEVNULL, check=True)

    after = usage(os.getpid())
    assert after.user + after.system - before.user - before.system > 0.15
    assert after.written - before.written >= 5_000_000
    assert after.resident > 0


def test_a_machine_that_is_gone_uses_nothing() -> None:
    assert usage(-1) == Usage()
