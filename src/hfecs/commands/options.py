"""Command options that set configuration keys; they override the environment and the file."""

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

    Values are passed as text: the configuration checks them together with those of the file. An option without a
    metavar is a flag.
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
    Option("cluster.instance_type", "EC2 type of all machines [default: t3.micro or t2.micro].", "TYPE"),
    Option("cluster.ami_id", 'AMI of all machines; "latest" switches to the newest, default keeps it.', "AMI"),
    Option("cluster.key_pair_name", "EC2 key pair, to log in with ssh.", "NAME"),
    Option("scaling.asg_min", "Minimum number of worker machines [default: 0].", "N"),
    Option("scaling.asg_max", "Maximum number of worker machines [default: 5].", "N"),
    Option("scaling.asg_desired", "Initial number of worker machines [default: 0].", "N"),
    Option("monitoring.influx_url", "InfluxDB to use instead of that of hfecs monitoring up.", "URL"),
    Option("worker.feature_download", "Cache job inputs on the machines."),
    Option("worker.allow_containers", "Let jobs run in their own containers."),
    Option("worker.nfs_mount", "NFS directory for jobs, mounted at /nfs in the workers.", "SERVER:/DIR"),
    Option("broker.amqp_url", "Your own broker; better set as HFECS_BROKER_AMQP_URL.", "URL"),
)
MONITORING = (
    Option("monitoring.instance_type", "EC2 type of its machine [default: t3.micro or t2.micro].", "TYPE"),
    Option("cluster.key_pair_name", "EC2 key pair, to log in with ssh.", "NAME"),
)
RUN = (
    Option("run.bucket", "S3 bucket for the files; created if it does not exist.", "NAME"),
    Option("run.inputs", "Directory with the input files [default: JOB_DIR/input].", "DIR"),
    Option("run.storage", "Where jobs find their files: s3, nfs or local [default: s3].", "KIND"),
    Option("run.workdir", "Directory on the workers, for nfs and local.", "DIR"),
    Option("run.metric_collector", "InfluxDB for the engine's metrics instead of the cluster's.", "URL"),
    Option("run.container", "Image to run the jobs in; the cluster must allow it.", "IMAGE"),
    Option("run.retries", "Retries of a failed job [default: 2].", "NUMBER"),
    Option("run.timeout", "Time limit for one try of a job.", "SECONDS"),
    Option("run.max_wait", "Stop a run that has had no worker for this long [default: never].", "MINUTES"),
    Option("broker.amqp_url", "Broker other than the cluster's; better set as HFECS_BROKER_AMQP_URL.", "URL"),
)


def sets(*options: Option) -> Callable[[Command], Command]:
    """Add these options to a command; its context holds their values when it starts."""

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
