from __future__ import annotations

from typing import Any

import pytest

from hfecs.aws import prices
from hfecs.resources import __path__ as resources


@pytest.mark.parametrize(
    ("kind", "dollars"),
    [
        ("t2.micro", 0.0116),
        ("t2.small", 0.0232),
        ("t3.medium", 0.0416),
        ("m5.large", 0.096),
        ("m5.4xlarge", 0.768),
        ("c5.xlarge", 0.17),
        ("r5.2xlarge", 0.504),
    ],
)
def test_a_machine_costs_what_its_type_its_disk_and_its_address_cost(kind: str, dollars: float) -> None:
    assert prices.machine(kind) == pytest.approx(dollars + 2.4 / 730 + 0.005)
    assert prices.machine(kind, has_address=False) == pytest.approx(dollars + 2.4 / 730)
    assert prices.machine(kind, runs=False) == pytest.approx(2.4 / 730)


@pytest.mark.parametrize("kind", ["p4d.24xlarge", "zz9.large", "m5.metal", "m5", "", "m5.2", "t2.²xlarge"])
def test_the_price_of_an_unknown_machine_is_unknown(kind: str) -> None:
    assert prices.machine(kind) is None


def test_a_machine_is_priced_as_ec2_describes_it() -> None:
    running: Any = {"InstanceType": "t2.micro", "State": {"Name": "running"}, "PublicIpAddress": "192.0.2.1"}
    stopped: Any = {"InstanceType": "t2.micro", "State": {"Name": "stopped"}}

    assert prices.of("instance", running) == prices.machine("t2.micro")
    assert prices.of("instance", stopped) == prices.machine("t2.micro", runs=False)
    assert prices.of("instance", None) is None


def test_a_group_costs_what_its_machines_cost() -> None:
    two: Any = {"Instances": [{"InstanceType": "t2.micro"}, {"InstanceType": "t3.micro"}]}
    costs = [prices.machine(kind) for kind in ("t2.micro", "t3.micro")]

    assert prices.of("auto-scaling-group", two) == prices.together(costs)
    assert prices.of("auto-scaling-group", {"Instances": []}) == 0
    assert prices.of("auto-scaling-group", {"Instances": [{"InstanceType": "zz9.large"}]}) is None


def test_alarms_cost_more_when_they_look_more_often() -> None:
    assert prices.of("alarm", {"Period": 10}) == pytest.approx(0.3 / 730)
    assert prices.of("alarm", {"Period": 60}) == pytest.approx(0.1 / 730)


def test_costs_are_said_in_words() -> None:
    assert prices.words(None) == "cost unknown"
    assert prices.words(0.0) == "costs nothing"
    assert prices.words(0.01989) == "about 0.02 USD an hour"


def test_what_is_free_is_a_kind_of_resource() -> None:
    from importlib import import_module
    from pkgutil import iter_modules

    kinds = {import_module(f"hfecs.resources.{module.name}").KIND for module in iter_modules(resources)}

    assert kinds >= prices.FREE


def test_a_help_text_is_given_its_prices_and_keeps_its_other_braces() -> None:
    def command() -> None:
        """A machine is {machine} USD, with its disk {machine_with_disk}; a GB {bucket}. {{NAME}} and {other} stay."""

    text = prices.in_help(command).__doc__

    assert (
        text == "A machine is 0.010 to 0.012 USD, with its disk 0.019 to 0.020; a GB 0.023. {{NAME}} and {other} stay."
    )
