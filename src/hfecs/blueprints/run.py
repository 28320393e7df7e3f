"""A run: the bucket with the job directory, a machine for the engine, and the task that runs the workflow on it.

The machine ends itself when its task has ended; destroy() removes what is left of all runs.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from hfecs import templating
from hfecs.aws import account
from hfecs.aws.errors import LOCAL_HINT, one_or_several
from hfecs.blueprints import broker, cluster, containers, deadlines, foundation, images, metrics, mounts
from hfecs.blueprints.broker import SECRETS_OF_RUNS, Broker
from hfecs.blueprints.lookahead import Announce, ahead, announced, silently
from hfecs.blueprints.machines import in_subnet, launch, on_machine
from hfecs.blueprints.metrics import Collector
from hfecs.config import Config
from hfecs.errors import Misused, NoCluster
from hfecs.parallel import together
from hfecs.provisioning.stack import Stack
from hfecs.provisioning.state import Record
from hfecs.provisioning.teardown import Paragraphs, absent, remove
from hfecs.resources import bucket, instance, job_files, parameter, task, task_definition
from hfecs.workflow import JobDirectory
from hfecs.workflow.variables import ENVIRONMENT

STACK = "run"

TEARDOWN: Paragraphs = [[task], [instance], [task_definition, parameter]]
TEARDOWN_WITH_DATA: Paragraphs = [*TEARDOWN, [bucket]]


@dataclass(frozen=True)
class Run:
    """A run on its way: its name, its bucket, its task, how often it has been started, its workflow's variables."""

    name: str
    bucket: str
    task: str = ""
    attempt: int = 1
    variables: Mapping[str, str] = field(default_factory=dict)
    has_own_files: bool = True
    """Runs of earlier versions share the files of their bucket."""

    @property
    def machine(self) -> str:
        """The name of the machine of this attempt."""
        return f"runner-{self.name}" if self.attempt == 1 else f"runner-{self.name}-{self.attempt}"

    @property
    def broker_password(self) -> str:
        """The name of the secret with the password of a broker of its own."""
        return f"{SECRETS_OF_RUNS}{self.name}-amqp-password"

    @property
    def collector_password(self) -> str:
        """The name of the secret with the password of an InfluxDB of its own."""
        return f"{SECRETS_OF_RUNS}{self.name}-influxdb-password"


def new_name() -> str:
    """A name for a run: when it began, and four characters by chance."""
    return f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def interrupted(stack: Stack, bucket_name: str, directory: Path) -> str | None:
    """The run of this directory and bucket that a killed command left on its way, if its machine still waits for it."""
    name, *of = str(stack.outputs().get("begun", "")).split("/")
    if of != [bucket_name, directory.name]:
        return None
    return name if stack.found(instance.KIND, f"runner-{name}", instance.survey) else None


def up(
    stack: Stack,
    whole: Stack,
    config: Config,
    *,
    run: Run,
    directory: Path | None,
    files: Mapping[str, Path] | None = None,
    announce: Announce = silently,
) -> Run:
    """Upload the job directory and start its workflow on a machine of its own; `whole` is the stack of the cluster.

    A run that is resumed may do without the directory. `files` are those to upload, by keys; by default all of it. If
    the cluster looks ahead, `announce` reports the run's demand while its machine boots. Return the run with its task.

    What can be refused for free comes before what costs money: the bucket before the machine, the machine before the
    workers. If the start fails after that, the machine is terminated.
    """
    began = {"RUN_BEGAN": f"{time.time():.3f}"}
    config = images.require(stack, config)
    place, base, used, collector = _look(stack, whole, config, run)
    machine = launch(config, place, role="runner", cluster=base.cluster, profile=base.profile, groups=[base.members])
    machine = in_subnet(machine, place)
    engine = metrics.with_metrics(containers.runner(stack, config, base, used), "engine", collector)
    _, definition = together(
        lambda: bucket.ensure(stack, run.bucket, policy=_bucket_policy(stack, base, run.bucket)),
        lambda: task_definition.ensure(stack, "runner", definition=engine),
    )
    if directory and run.attempt == 1:
        stack.output(begun=f"{run.name}/{run.bucket}/{directory.name}")

    with _leaving_nothing(stack, run):
        own_machine, *_ = together(
            lambda: instance.ensure(stack, run.machine, launch=machine),
            lambda: deadlines.renew(whole, config),
            *[
                partial(parameter.ensure, stack, name, value=value)
                for name, value in _secrets(config, run, used, collector).items()
            ],
        )
        planned = announced(ahead(whole, config, task_definition.registered(whole, "worker")), announce)
        together(
            lambda: directory and _upload(stack, run, directory, files),
            lambda: deadlines.arm_machine(stack, config, run.machine, own_machine),
        )
        started = task.ensure(
            stack,
            run.name,
            definition=definition,
            container="engine",
            environment={
                "RUN_ID": run.name,
                "BUCKET": run.bucket,
                **began,
                **_own(run),
                **_options(config),
                **planned(),
            },
            constraint=on_machine("runner", own_machine),
            check=lambda: instance.check(stack, run.machine, own_machine),
        )
    stack.output(run=run.name, bucket=run.bucket, task=started, attempt=str(run.attempt), begun="")
    return replace(run, task=started)


@contextmanager
def _leaving_nothing(stack: Stack, run: Run) -> Iterator[None]:
    """Terminate the machine of a run whose start fails, and delete its secrets.

    A machine without an engine terminates itself half an hour later at the latest.

    A start that is interrupted keeps its machine: the same command continues it.
    """
    try:
        yield
    except one_or_several():
        try:
            absent(stack, instance, run.machine)
            _drop_secrets(stack, run)
            stack.output(begun="")
        except one_or_several() as error:
            # What failed first is what the command ends with.
            stack.failure(instance.KIND, run.machine, error)
        raise


def _upload(stack: Stack, run: Run, directory: Path, files: Mapping[str, Path] | None) -> int:
    wanted = JobDirectory(directory).files() if files is None else files
    if run.has_own_files:
        return job_files.ensure(stack, directory.name, bucket=run.bucket, files=wanted, run=run.name)
    return job_files.ensure_shared(stack, directory.name, bucket=run.bucket, files=wanted)


def begun(stack: Stack, run: Run) -> None:
    """Wait until the engine of a run has been started; it may take a minute to pull its image."""

    def has_begun() -> bool:
        known = task.describe(stack, run.task)
        return known is None or known["lastStatus"] not in ("PROVISIONING", "PENDING", "ACTIVATING")

    stack.wait.until(has_begun, what=f"the engine of run {run.name} to start", timeout=900)


def stop(stack: Stack, run: Run) -> None:
    """Stop the workflow and wait until the engine has ended; its machine then ends itself."""

    def ended() -> bool:
        known = task.describe(stack, run.task)
        return known is None or known["lastStatus"] == "STOPPED"

    task.teardown(stack, Record(task.KIND, run.name, run.task))
    stack.wait.until(ended, what=f"run {run.name} to stop", timeout=180, every=1)


def forget(stack: Stack, run: Run) -> None:
    """Drop the records of the task and the machine of a run that has ended, and delete its secrets."""
    _drop_secrets(stack, run)
    for record in stack.state.records(STACK):
        if (record.kind, record.name) in ((task.KIND, run.name), (instance.KIND, run.machine)):
            stack.state.forget(STACK, record)


def _drop_secrets(stack: Stack, run: Run) -> None:
    """Delete the secrets that this state file names for the run; `destroy` finds the others."""
    for record in stack.state.records(STACK):
        if record.kind == parameter.KIND and record.name in (run.broker_password, run.collector_password):
            parameter.teardown(stack, record)
            stack.state.forget(STACK, record)


def down(stack: Stack, *, with_data: bool, looked: bool = False) -> None:
    """Remove all runs; their buckets too if `with_data`; `looked`: the stack has just been surveyed."""
    remove(stack, teardown(with_data), looked=looked, keeping=() if with_data else {bucket.KIND})


def teardown(with_data: bool) -> Paragraphs:
    """What is removed of all runs, in order."""
    return TEARDOWN_WITH_DATA if with_data else TEARDOWN


def _bucket_policy(stack: Stack, base: foundation.Foundation, bucket_name: str) -> Any:
    """Who may use the bucket: the roles of workers and engines, only over TLS.

    It is the bucket's own policy, not one of the roles: the inline policies of a role may have 10,240 characters in
    all, which are used up after some thirty buckets.
    """
    roles = {"worker_role": base.worker_role, "runner_role": base.runner_role}
    policy = templating.document("policies/bucket.json", partition=stack.cloud.partition, bucket=bucket_name, **roles)
    if not stack.cloud.over_tls:
        # To a local server that stands in for AWS: "only over TLS" would lock ourselves out.
        policy["Statement"] = [one for one in policy["Statement"] if one["Effect"] == "Allow"]
    return policy


def _own(run: Run) -> dict[str, str]:
    """The attempt, and the variables of the workflow: an engine that resumes a run takes them from its bucket."""
    if run.attempt > 1:
        return {"ATTEMPT": str(run.attempt)}
    return {f"{ENVIRONMENT}{name}": value for name, value in run.variables.items()}


def _options(config: Config) -> dict[str, str]:
    """What the jobs of the run are told, unless the workflow says otherwise: their files, image and limits."""
    wanted = config.run
    files = {} if wanted.storage == "s3" else {"STORAGE": wanted.storage, "WORKDIR": wanted.workdir or ""}
    image = {"CONTAINER": wanted.container} if wanted.container else {}
    limit = {"TIMEOUT": str(wanted.timeout)} if wanted.timeout else {}
    going = {} if wanted.fail_fast else {"KEEP_GOING": "true"}
    return {**files, **image, **limit, "RETRIES": str(wanted.retries), **going}


Looked = tuple[account.Site, foundation.Foundation, Broker, Collector | None]


def _look(stack: Stack, whole: Stack, config: Config, run: Run) -> Looked:
    """Survey the bucket, earlier runs and the cluster; NoCluster if there is none to run on."""
    kinds = [module for paragraph in TEARDOWN for module in paragraph]
    place, *_ = together(
        lambda: cluster.look(whole, config), lambda: stack.survey(kinds), lambda: bucket.look(stack, run.bucket)
    )
    workers = task_definition.registered(whole, "worker")
    if not (workers and whole.found(instance.KIND, "master", instance.survey)):
        hint = f"make it first: hfecs cluster up; {LOCAL_HINT}"
        raise NoCluster(f"There is no cluster {whole.cluster} in {whole.cloud.region} to run on.", hint)
    if config.run.container and not mounts.may_run_containers(workers):
        hint = "let it first: hfecs cluster up --allow-containers"
        raise Misused(f"The workers of cluster {whole.cluster} may not run jobs in containers.", hint)
    base = replace(foundation.found(whole), access_keys=broker.access_keys_of(workers))
    used = metrics.of_task(workers) or metrics.standing(whole, config)
    collector = metrics.named(stack, config.run.metric_collector, run.collector_password) or used
    return place, base, _broker(stack, config, run, broker.of_task(workers)), collector


def _broker(stack: Stack, config: Config, run: Run, used: Broker) -> Broker:
    """The broker of the workers, or another one that the user named for this run."""
    named = broker.own(config, used.password)
    if named is None or (named.amqp_url, named.user) == (used.amqp_url, used.user):
        return used
    return replace(named, password=parameter.arn(stack, run.broker_password)) if broker.password_of(config) else named


def _secrets(config: Config, run: Run, used: Broker, collector: Collector | None) -> dict[str, str]:
    """The values of the run's own secrets by their names: a run beside it may have others."""
    values = {
        run.broker_password: (used.password, broker.password_of(config)),
        run.collector_password: (
            collector.password if collector else "",
            metrics.password_of(config.run.metric_collector),
        ),
    }
    return {name: value for name, (arn, value) in values.items() if value and arn.endswith(f"/{name}")}
