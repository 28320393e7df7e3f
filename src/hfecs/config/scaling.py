"""How much runs: scaling by the work there is, and the runs of workflows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hfecs.config.monitoring import InfluxUrl
from hfecs.config.types import Bucket, Container, Count, Period, Positive, Seconds, Section, key

# Seconds: ECS takes no more for the instances of a capacity provider.
LONGEST_WARMUP = 10_000


class Scaling(Section):
    """How many machines and workers, and when there are more or fewer."""

    asg_min: Count = key(0, "least number of worker machines; the master is not one of them", original="asg_min")
    asg_max: Count = key(5, "most worker machines at a time", original="asg_max")
    asg_desired: Count = key(0, "worker machines at the start", original="asg_desired")
    worker_min: Count | None = key(
        None, "least number of workers; default: asg_min, one on each machine", original="worker_min_capacity"
    )
    worker_max: Count | None = key(
        None, "most workers; default: asg_max, one on each machine", original="worker_max_capacity"
    )
    worker_desired: Count | None = key(
        None, "workers at the start; default: asg_desired", original="aws_ecs_service_worker_desired_count"
    )
    metric: Literal["lookahead", "backlog", "queue"] = key(
        "lookahead",
        "what the number of machines follows: the job slots that the workflow will use soon, the jobs that wait or "
        "run, or the jobs that wait, as the Terraform project did",
    )
    instances: Literal["alarms", "capacity-provider"] = key(
        "alarms",
        "who changes the number of machines: the alarms, together with that of the workers, or a capacity provider of "
        "ECS, which follows the workers and keeps an idle machine for about 15 minutes",
    )
    boot_seconds: Annotated[int, Field(ge=1, le=3600)] = key(
        150, "time from the launch of a machine to its first job, for looking ahead", unit="seconds"
    )
    jobs_per_worker: Positive | None = key(
        None, "jobs or job slots of the metric for which one step more is taken; default: the job slots of a machine"
    )
    instance_adjustment: Annotated[int, Field(ge=1, le=1000)] = key(
        1, "machines that one step adds", original="ec2_instance_scaling_adjustment"
    )
    worker_adjustment: Annotated[int, Field(ge=1, le=1000)] = key(
        1, "workers that one step adds", original="worker_scaling_adjustment"
    )
    threshold_high: Positive = key(
        1, "value of the metric from which on machines and workers are added", original="alarm_threshold_high"
    )
    threshold_low: Annotated[int, Field(ge=0, le=100_000)] = key(
        0,
        "value of the metric (for queue: of the backlog) up to which a cluster counts as idle",
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
        3, "periods without any work before all but the least number go"
    )
    instance_cooldown: Seconds = key(
        60,
        "time in which a new machine counts as still on its way",
        unit="seconds",
        original="aws_autoscaling_cooldown",
    )
    worker_cooldown: Seconds = key(
        60,
        "time between two changes of the number of workers",
        unit="seconds",
        original="aws_appautoscaling_cooldown",
    )

    spot: bool = key(
        False, "spot machines for the workers: about a third of the price, and AWS may take them back in two minutes"
    )

    @property
    def workers(self) -> tuple[int, int, int]:
        """Workers at least, at the start and at most: as many as machines, unless said otherwise."""
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
            raise ValueError(
                f"instance_cooldown is {self.instance_cooldown}, and a capacity provider takes {LONGEST_WARMUP} at most"
            )
        return self

    @model_validator(mode="after")
    def _in_order(self) -> Scaling:
        machines = (self.asg_min, self.asg_desired, self.asg_max)
        for kind, (least, desired, most) in (("asg", machines), ("worker", self.workers)):
            if not least <= desired <= most:
                raise ValueError(
                    f"{kind}_min <= {kind}_desired <= {kind}_max must hold, and does not for {least}, {desired}, {most}"
                )
        return self


class Run(Section):
    """How a workflow is run."""

    bucket: Bucket | None = key(
        None, "where the files of runs go, unless --bucket names another", original="BUCKET_NAME"
    )
    job_directory: str | None = key(
        None, "the directory with workdir/dag.json and input/, unless one is named", original="JOB_DIRECTORY"
    )
    storage: Literal["s3", "nfs", "local"] = key(
        "s3",
        "where jobs find their files: in the bucket, copied from and to run.workdir, or in run.workdir itself",
    )
    workdir: str | None = key(
        None, 'directory of the files on the workers, for storage "nfs" and "local"; relative: below /nfs'
    )
    metric_collector: InfluxUrl | None = key(
        None,
        "InfluxDB for what the engine tells of a run; default: that of the cluster",
        original="METRIC_COLLECTOR",
    )
    container: Container | None = key(
        None, "image in which the jobs run; the cluster must allow it (worker.allow_containers)", original="CONTAINER"
    )
    retries: Annotated[int, Field(ge=0, le=100)] = key(
        2, "how often a job whose program failed is tried again, unless the workflow says otherwise"
    )
    timeout: Annotated[int, Field(ge=1, le=604_800)] | None = key(
        None,
        "time limit of one try of a job; default: none, unless the workflow says otherwise",
        unit="seconds",
    )
    fail_fast: bool = key(
        True, "end a run when its first job has failed; false: finish first what does not depend on that job"
    )

    @model_validator(mode="after")
    def _has_its_directory(self) -> Run:
        if self.storage != "s3" and not self.workdir:
            raise ValueError(f'workdir must be set when storage is "{self.storage}"')
        return self
