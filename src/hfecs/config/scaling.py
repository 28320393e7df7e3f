"""How much runs: scaling with the amount of work, and workflow runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hfecs.config.monitoring import InfluxUrl
from hfecs.config.types import Bucket, Container, Count, Minutes, Period, Positive, Seconds, Section, key

# Seconds: the maximum that ECS accepts for the instances of a capacity provider.
LONGEST_WARMUP = 10_000
# Seconds that an alarm of CloudWatch may look back.
LONGEST_LOOK_BACK = 86_400


class Scaling(Section):
    """How many machines and workers there are, and when that changes."""

    asg_min: Count = key(0, "minimum number of worker machines, not counting the master", original="asg_min")
    asg_max: Count = key(5, "maximum number of worker machines", original="asg_max")
    asg_desired: Count = key(0, "initial number of worker machines", original="asg_desired")
    worker_min: Count | None = key(
        None, "minimum number of workers; default: asg_min, one per machine", original="worker_min_capacity"
    )
    worker_max: Count | None = key(
        None, "maximum number of workers; default: asg_max, one per machine", original="worker_max_capacity"
    )
    worker_desired: Count | None = key(
        None, "initial number of workers; default: asg_desired", original="aws_ecs_service_worker_desired_count"
    )
    metric: Literal["lookahead", "backlog", "queue"] = key(
        "lookahead",
        "what the number of machines follows: the job slots that the workflow will need soon, the jobs waiting or "
        "running, or the jobs waiting, as in the Terraform project",
    )
    instances: Literal["alarms", "capacity-provider"] = key(
        "alarms",
        "what changes the number of machines: alarms, with a worker on each machine unless worker_* is set, or a "
        "capacity provider of ECS, which follows the workers and keeps an idle machine for about 15 minutes",
    )
    boot_seconds: Annotated[int, Field(ge=1, le=3600)] = key(
        150, "time from the launch of a machine to its first job, for planning ahead", unit="seconds"
    )
    jobs_per_worker: Positive | None = key(
        None, "jobs or job slots per scaling step; default: the job slots of a machine"
    )
    instance_adjustment: Annotated[int, Field(ge=1, le=1000)] = key(
        1, "machines added per step", original="ec2_instance_scaling_adjustment"
    )
    worker_adjustment: Annotated[int, Field(ge=1, le=1000)] = key(
        1,
        "workers added per step, where workers do not simply follow the machines",
        original="worker_scaling_adjustment",
    )
    threshold_high: Positive = key(
        1, "value of the metric at which machines and workers are added", original="alarm_threshold_high"
    )
    threshold_low: Annotated[int, Field(ge=0, le=100_000)] = key(
        0,
        "value of the metric (for queue: of the backlog) at or below which a cluster is idle",
        original="alarm_threshold_low",
    )
    alarm_period: Period = key(
        10,
        "period of both alarms: 10, 20, 30, 60, 120, 180, 240 or 300",
        unit="seconds",
        original="alarm_high_period, alarm_low_period",
    )
    evaluation_periods: Annotated[int, Field(ge=1, le=100)] = key(
        1, "periods with work before machines are added", original="alarm_evaluation_periods"
    )
    idle_periods: Annotated[int, Field(ge=1, le=1000)] = key(
        3, "idle periods before machines are removed down to the minimum"
    )
    instance_cooldown: Seconds = key(
        60,
        "time during which a new machine counts as starting",
        unit="seconds",
        original="aws_autoscaling_cooldown",
    )
    worker_cooldown: Seconds = key(
        60,
        "time between two changes of the number of workers, where they do not simply follow the machines",
        unit="seconds",
        original="aws_appautoscaling_cooldown",
    )

    spot: bool = key(
        False, "spot machines for workers: about a third of the price, but AWS may reclaim them on two minutes' notice"
    )

    @property
    def workers(self) -> tuple[int, int, int]:
        """Minimum, initial and maximum number of workers: the same as of machines, unless set."""
        least = self.asg_min if self.worker_min is None else self.worker_min
        most = self.asg_max if self.worker_max is None else self.worker_max
        desired = min(max(self.asg_desired, least), most) if self.worker_desired is None else self.worker_desired
        return least, desired, most

    @property
    def one_worker_a_machine(self) -> bool:
        """Whether the number of workers follows that of the machines."""
        return self.worker_min is None and self.worker_max is None and self.worker_desired is None

    @model_validator(mode="after")
    def _fits_the_provider(self) -> Scaling:
        if self.instances == "capacity-provider" and self.instance_cooldown > LONGEST_WARMUP:
            raise ValueError(f"instance_cooldown is {self.instance_cooldown}, but ECS allows {LONGEST_WARMUP} at most")
        return self

    @model_validator(mode="after")
    def _alarms_look_back_for_a_day_at_most(self) -> Scaling:
        for name, periods in (("evaluation_periods", self.evaluation_periods), ("idle_periods", self.idle_periods)):
            seconds = periods * self.alarm_period
            if seconds > LONGEST_LOOK_BACK:
                raise ValueError(
                    f"{name} x alarm_period is {seconds} seconds, and CloudWatch takes {LONGEST_LOOK_BACK} at most"
                )
        return self

    @model_validator(mode="after")
    def _in_order(self) -> Scaling:
        machines = (self.asg_min, self.asg_desired, self.asg_max)
        for kind, (least, desired, most) in (("asg", machines), ("worker", self.workers)):
            if not least <= desired <= most:
                raise ValueError(
                    f"{kind}_min <= {kind}_desired <= {kind}_max must hold; got {least}, {desired}, {most}"
                )
        return self


class Run(Section):
    """How a workflow is run."""

    bucket: Bucket | None = key(
        None, "S3 bucket for the files of runs, unless --bucket names another", original="BUCKET_NAME"
    )
    job_directory: str | None = key(
        None,
        "directory with workdir/dag.json and input/, or with dag.json, unless given as an argument",
        original="JOB_DIRECTORY",
    )
    inputs: str | None = key(
        None, "directory with the input files of the workflow, if they are not in input/ of the job directory"
    )
    storage: Literal["s3", "nfs", "local"] = key(
        "s3",
        "where jobs find their files: in the bucket, copied from and to run.workdir, or directly in run.workdir",
    )
    workdir: str | None = key(
        None, 'directory on the workers, for storage "nfs" and "local"; relative paths are below /nfs'
    )
    metric_collector: InfluxUrl | None = key(
        None,
        "InfluxDB for the engine's metrics of a run; default: the cluster's",
        original="METRIC_COLLECTOR",
    )
    container: Container | None = key(
        None, "image to run the jobs in; the cluster must allow it (worker.allow_containers)", original="CONTAINER"
    )
    retries: Annotated[int, Field(ge=0, le=100)] = key(
        2, "retries of a job whose program failed, unless the workflow sets its own"
    )
    timeout: Annotated[int, Field(ge=1, le=604_800)] | None = key(
        None,
        "time limit for one try of a job; default: none, unless the workflow sets one",
        unit="seconds",
    )
    fail_fast: bool = key(
        True, "end a run when its first job fails; false: first finish all jobs that do not depend on it"
    )
    max_wait: Minutes = key(
        0, "a run that hfecs follows is stopped after this long without a worker; 0: never", unit="minutes"
    )

    @model_validator(mode="after")
    def _has_its_directory(self) -> Run:
        if self.storage != "s3" and not self.workdir:
            raise ValueError(f'workdir must be set when storage is "{self.storage}"')
        return self
