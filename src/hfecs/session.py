"""One invocation: its configuration, cloud, state and stacks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfecs import shared_options
from hfecs.console import Console
from hfecs.errors import Misused

if TYPE_CHECKING:
    from hfecs.aws.clients import Cloud
    from hfecs.config import Config
    from hfecs.config.load import Setting, Source
    from hfecs.local.client import LocalCloud
    from hfecs.provisioning.stack import Stack
    from hfecs.provisioning.state import State

LOCAL_FOLDER = ".hfecs"


@dataclass
class Session:
    """The global options, and what follows from them; imports are deferred until needed, so that --help is fast."""

    config_file: Path
    state_place: str | None
    wants_local: bool
    console: Console
    assignments: list[str] = field(default_factory=list)
    flags: dict[str, Any] = field(default_factory=dict)
    typed: dict[str, Any] = field(default_factory=dict)
    _is_where_said: bool = False

    def take(self, given: dict[str, Any]) -> None:
        """Apply the options typed here or after the command's name; suggested commands repeat them."""
        self.wants_local = given.get("wants_local", self.wants_local)
        self.config_file = given.get("config_file", self.config_file)
        shared_options.refuse_absent(self.config_file)
        self.state_place = given.get("state_place", self.state_place)
        self.flags |= {"cluster.name": given["name"]} if "name" in given else {}
        self.assignments = [*self.assignments, *given.get("assignments", [])]
        self.console.verbose = given.get("verbose", self.console.verbose)
        self.typed |= given
        self.console.options = shared_options.words(self.typed)

    @cached_property
    def config(self) -> Config:
        """The configuration from flags, environment, file and local cloud, for the selected cluster."""
        known = self._without_state
        return known.model_copy(update={"cluster": known.cluster.model_copy(update={"name": self.cluster})})

    @cached_property
    def cluster(self) -> str:
        """The selected cluster: the one named, else the only one in the state, else the default."""
        known = [] if self._names_cluster else self.state.clusters()
        if len(known) > 1:
            raise Misused(
                f"State {self.state.store.where} has clusters {' and '.join(known)}, and none was named.",
                hint=f"choose one: --name {known[0]}",
            )
        return known[0] if known else self.said.cluster.name

    @property
    def _names_cluster(self) -> bool:
        """Whether a flag, a variable or the file names the cluster."""
        return "cluster.name" in self._gathered({}).values

    @cached_property
    def _without_state(self) -> Config:
        """The configuration as known before the state is read."""
        return self._filled(self.local_cloud.settings()) if self.is_local else self.said

    @cached_property
    def said(self) -> Config:
        """The configuration without the local cloud's endpoint, ports and images; does not start it."""
        return self._filled({})

    @cached_property
    def is_local(self) -> bool:
        """Whether commands work on the local cloud."""
        return self.wants_local or self.said.aws.target == "local"

    def settings(self) -> list[Setting]:
        """Every key, its value and its source; asks a running local cloud, but does not start one."""
        from hfecs.config import load as settings
        from hfecs.local import client

        cloud = client.find(self.local_folder) if self.is_local else None
        gathered, path = self._gathered(cloud.settings() if cloud else {}), self.state_path
        if path and not self._names_cluster and self.state.clusters():
            gathered = gathered.over(settings.Source({"cluster.name": self.cluster}, {"cluster.name": path.name}))
        return settings.effective(gathered)

    def _filled(self, local: dict[str, object]) -> Config:
        """The checked configuration from flags, environment, file and local cloud."""
        from hfecs.config import load as settings

        return settings.filled(self._gathered(local))

    def _gathered(self, local: dict[str, object]) -> Source:
        """What flags, environment, file and a local cloud set, not yet checked."""
        from hfecs.config import load as settings

        self._say_where()
        flags = self.flags | {"state": self.state_place}
        return settings.gather(self.config_file, os.environ, flags, local, self.assignments)

    def _say_where(self) -> None:
        """Say once that the project of a folder above is meant."""
        if self.config_file == shared_options.nearest() != shared_options.CONFIGURATION and not self._is_where_said:
            self._is_where_said = True
            self.console.say(f"Using the project in {self.config_file.parent}", "dim")

    @property
    def local_folder(self) -> Path:
        """Directory of this project's local cloud."""
        return self.config_file.resolve().parent / LOCAL_FOLDER

    @cached_property
    def local_cloud(self) -> LocalCloud:
        """The local cloud; started if it is not running."""
        from hfecs.local import client

        return client.up(self.local_folder)

    @property
    def nothing_runs(self) -> bool:
        """Whether commands work on the local cloud and it is not running, so nothing can exist there."""
        from hfecs.local import client

        return self.is_local and client.find(self.local_folder) is None

    def end_if_nothing_runs(self) -> None:
        """Say so and exit with success if nothing can exist."""
        import typer

        if self.nothing_runs:
            self.console.say("No local cloud is running here, so nothing exists.")
            raise typer.Exit

    @cached_property
    def cloud(self) -> Cloud:
        """AWS, or whatever replaces it."""
        from hfecs.aws.clients import Cloud
        from hfecs.aws.slow_calls import SlowCalls

        aws, slow_calls = self._without_state.aws, SlowCalls(self.console.waiting)
        slow_calls.start()
        if self.is_local:
            environment = self.local_cloud.environment()
            return Cloud(
                region=aws.region, endpoint_url=aws.endpoint_url, environment=environment, slow_calls=slow_calls
            )
        endpoint = aws.endpoint_url or _endpoint()
        # boto3 itself reads AWS_DEFAULT_REGION only.
        region = aws.region or os.environ.get("AWS_REGION")
        known = self.state.region if self.state_path else None
        return Cloud(region=region, profile=aws.profile, endpoint_url=endpoint, slow_calls=slow_calls, otherwise=known)

    @cached_property
    def state(self) -> State:
        """The state, at its configured location."""
        from hfecs.provisioning.state import BucketStore, FileStore, State

        path = self.state_path
        return State(FileStore(path) if path else BucketStore(self.cloud, str(self.said.state)))

    @property
    def state_path(self) -> Path | None:
        """The state file, next to the configuration, one for AWS and one for the local cloud; None if it is in S3."""
        place = self.said.state
        name = "hfecs.local.state.json" if self.is_local else "hfecs.state.json"
        if place and place.startswith("s3://"):
            return None
        return Path(place) if place else self.config_file.resolve().parent / name

    def stack(self, name: str, *, plan: bool = False, may_interrupt: bool = False) -> Stack:
        """A stack of the selected cluster."""
        from hfecs.provisioning.stack import Stack
        from hfecs.provisioning.wait import Wait

        wait = Wait(tell=self.console.waiting)
        self.state.refuse_other(region=self.cloud.region)
        mine, confirm = self.state.of(self.cluster), self.console.confirm
        return Stack(name, self.cluster, self.cloud, mine, self.console, wait, plan, may_interrupt, confirm)

    def look(self, name: str) -> Stack:
        """A stack for reading only; StateInvalid if the state belongs to another account."""
        stack = self.stack(name)
        if self.state.account:
            self.state.refuse_other(account=self.cloud.account)
        return stack

    @contextmanager
    def locked(self, purpose: str) -> Iterator[None]:
        """Keep other commands from changing the same state at the same time."""
        with self.state.locked(purpose):
            yield


def _endpoint() -> str | None:
    """The server that AWS_ENDPOINT_URL names, if set."""
    from hfecs.config.types import web_address
    from hfecs.errors import ConfigurationInvalid

    try:
        return (
            web_address(os.environ["AWS_ENDPOINT_URL"], "https", "http") if os.environ.get("AWS_ENDPOINT_URL") else None
        )
    except ValueError as error:
        raise ConfigurationInvalid(f"AWS_ENDPOINT_URL {error}.", "correct it, or unset it to work on AWS") from None
