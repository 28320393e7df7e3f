"""Whether the machines hold what is to run on them, and whether the account may launch them: said before an `up`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from hfecs import templating
from hfecs.aws.machine_types import MachineType
from hfecs.config import Config
from hfecs.errors import ConfigurationInvalid

REGISTERED = 0.93
"""The share of a machine's memory that the ECS agent registers; the kernel and the agent have the rest.

AWS's documentation gives no figure, and nobody has measured it: it is what the local cloud takes, and about
the 950 of 1,024 MiB that a t2.micro is said to register.
"""

MACHINES_BESIDE = 2
"""The master and the machine of a run's engine, beside which workers have to fit."""

STANDARD = re.compile("[acdhimrtz][0-9]")
"""The names of the types that count for the quota of standard machines; inf1, trn1 or hpc6a do not."""

TELEGRAF = "telegraf"


def refuse_too_small(config: Config, machine: MachineType, *, with_metrics: bool) -> None:
    """ConfigurationInvalid if a part does not fit on a machine of this type: ECS would never place it."""
    offered = int(machine.memory * REGISTERED)
    extra = _reserved(TELEGRAF, config) if with_metrics else 0
    for part, memory in _parts(config):
        if memory + extra > offered:
            beside = f" and Telegraf {extra}" if extra else ""
            what = f"worker.memory is {memory} MiB" if part == "worker" else f"The {part} needs {memory} MiB"
            hint = "lower worker.memory, or choose" if part == "worker" else "choose"
            raise ConfigurationInvalid(
                f"{what}{beside}, and {machine.name} offers about {offered} of its {machine.memory} MiB to containers.",
                hint=f"{hint} a larger cluster.instance_type",
            )


def _parts(config: Config) -> Iterator[tuple[str, int]]:
    yield "worker", config.worker.memory
    yield "master", _reserved("master", config)
    yield "runner", _reserved("runner", config)


def _reserved(definition: str, config: Config) -> int:
    """MiB that the containers of a task definition reserve; of a master without a broker, the notifier's."""
    document = json.loads(templating.template_path(f"task-definitions/{definition}.json").read_text(encoding="utf-8"))
    own_broker = config.broker.amqp_url is not None
    counted = [one for one in document["containerDefinitions"] if not (own_broker and one["name"] == "broker")]
    return sum(one["memoryReservation"] for one in counted)


def refuse_beyond_quota(config: Config, machine: MachineType, quota: int | None) -> str:
    """ConfigurationInvalid if the account may not run one worker beside master and engine; a note if not all workers.

    `quota` is the number of vCPUs of standard machines that may run at a time, if it is known; spot machines, and other
    families such as those with GPUs, have quotas of their own.
    """
    if quota is None or config.scaling.spot or not STANDARD.match(machine.name):
        return ""
    least, most = (MACHINES_BESIDE + workers for workers in (1, config.scaling.asg_max))
    said = f"The account may run {quota} vCPUs of standard machines at a time (quota L-1216C47A)"
    if least * machine.cores > quota:
        raise ConfigurationInvalid(
            f"{said}; master, engine and one worker of {machine.name} need {least * machine.cores}.",
            hint="raise the quota in the console (Service Quotas, EC2), or choose a cluster.instance_type with fewer "
            "vCPUs, such as t2.micro",
        )
    if most * machine.cores > quota:
        room = quota // machine.cores - MACHINES_BESIDE
        return f"{said}: room for {room} workers of {machine.name}, not for scaling.asg_max = {config.scaling.asg_max}."
    return ""
