"""Options of commands that set keys of the configuration: what is typed goes before the environment and the file."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any

import typer

Command = Callable[..., Any]


@dataclass(frozen=True)
class Option:
    """An option named after the last part of its key: `--instance-type` sets cluster.instance_type.

    Values are taken as text: the configuration checks them, all at once and with those of the file. One without a
    word for its value is a switch.
    """

    key: str
    help: str
    value: str = ""

    @property
    def name(self) -> str:
        """The key's last part."""
        return self.key.rpartition(".")[2]

    def parameter(self) -> inspect.Parameter:
        """The option as a parameter of a command."""
        flag, kind = f"--{self.name.replace('_', '-')}", str if self.value else bool
        option = typer.Option(flag, help=self.help, metavar=self.value or None, show_default=False)
        annotation = Annotated[kind | None, option]  # type: ignore[valid-type]
        return inspect.Parameter(self.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


CLUSTER = (
    Option("cluster.instance_type", "EC2 type of all machines [default: t2.micro].", "TYPE"),
    Option("cluster.ami_id", 'AMI of all machines; "latest" takes the newest now, else it stays as it is.', "AMI"),
    Option("cluster.key_pair_name", "EC2 key pair, to log in with ssh.", "NAME"),
    Option("scaling.asg_min", "Least number of worker machines [default: 0].", "N"),
    Option("scaling.asg_max", "Most worker machines at a time [default: 5].", "N"),
    Option("scaling.asg_desired", "Worker machines at the start [default: 0].", "N"),
    Option("monitoring.influx_url", "InfluxDB in place of that of hfecs monitoring up, if that stands.", "URL"),
    Option("worker.feature_download", "Keep the inputs of jobs on the machines."),
    Option("worker.allow_containers", "Let jobs run in containers of their own."),
    Option("worker.nfs_mount", "NFS directory for the jobs, /nfs in the workers.", "SERVER:/DIR"),
    Option("broker.amqp_url", "A broker of your own; better given as HFECS_BROKER_AMQP_URL.", "URL"),
)
MONITORING = (
    Option("monitoring.instance_type", "EC2 type of its machine [default: t2.micro].", "TYPE"),
    Option("cluster.key_pair_name", "EC2 key pair, to log in with ssh.", "NAME"),
)
RUN = (
    Option("run.bucket", "Where the files go; made if it does not exist.", "NAME"),
    Option("run.storage", "Where jobs find their files: s3, nfs or local [default: s3].", "KIND"),
    Option("run.workdir", "Directory of the files on the workers, for nfs and local.", "DIR"),
    Option("run.metric_collector", "InfluxDB for the engine's metrics in place of the cluster's.", "URL"),
    Option("run.container", "Image in which the jobs run; the cluster must allow it.", "IMAGE"),
    Option("run.retries", "How often a job that failed is tried again [default: 2].", "NUMBER"),
    Option("run.timeout", "Time limit of one try of a job.", "SECONDS"),
    Option("broker.amqp_url", "Another broker than the cluster's; better given as HFECS_BROKER_AMQP_URL.", "URL"),
)


def sets(*options: Option) -> Callable[[Command], Command]:
    """Give a command these options; its context has their values when it begins."""

    def decorated(command: Command) -> Command:
        @wraps(command)
        def with_options(context: typer.Context, **given: Any) -> Any:
            context.obj.flags |= {option.key: given.pop(option.name) for option in options}
            return command(context, **given)

        signature = inspect.signature(command, eval_str=True)
        own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in signature.parameters.values()]
        parameters = [own[0], *(option.parameter() for option in options), *own[1:]]
        with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return with_options

    return decorated
