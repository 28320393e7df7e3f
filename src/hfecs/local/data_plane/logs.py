"""The output of containers: machines write it to files, which are sent to CloudWatch Logs every second."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from hfecs.local.data_plane.shared import SharedState

CHUNK = 1 << 20  # bytes read of one file at a time
LONGEST = 256 * 1024 - 26  # CloudWatch's maximum size of an event in bytes


class NoLogGroup(Exception):
    """The container's log group does not exist; the text is the reason in ECS's words."""

    def __init__(self, group: str) -> None:
        super().__init__(
            "CannotStartContainerError: failed to initialize logging driver: failed to create Cloudwatch log stream: "
            f"ResourceNotFoundException: The specified log group does not exist: {group}."
        )


@dataclass
class Follower:
    """A log file and the stream for its lines."""

    file: Path
    region: str
    group: str
    stream: str
    offset: int = 0


class Logs:
    """All log files of running containers."""

    def __init__(self, cloud: SharedState) -> None:
        self.cloud = cloud
        self.followers: dict[str, Follower] = {}

    def follow(self, mark: str, file: Path, options: dict[str, str], region: str) -> None:
        """Send the lines of a container's file to the stream of its awslogs options; NoLogGroup if there is none."""
        task_id, _, container = mark.partition("/")
        group, stream = options["awslogs-group"], f"{options['awslogs-stream-prefix']}/{container}/{task_id}"
        region = options.get("awslogs-region") or region
        backend = self.cloud.backend("logs", region)
        if group not in backend.groups:
            if options.get("awslogs-create-group") != "true":
                raise NoLogGroup(group)
            backend.create_log_group(group, {})
        if stream not in backend.groups[group].streams:
            backend.create_log_stream(group, stream)
        self.followers[mark] = Follower(file, region, group, stream)

    def step(self) -> None:
        """Send what is new."""
        for follower in list(self.followers.values()):
            self._send(follower, last=False)

    def finish(self, mark: str) -> None:
        """Send the rest of a container that has ended."""
        follower = self.followers.pop(mark, None)
        if follower:
            self._send(follower, last=True)

    def _send(self, follower: Follower, *, last: bool) -> None:
        while True:
            lines, read = _new_lines(follower, last=last)
            if lines:
                self._put(follower, lines)
            follower.offset += read
            if read < CHUNK // 2:
                return

    def _put(self, follower: Follower, lines: list[str]) -> None:
        backend = self.cloud.backend("logs", follower.region)
        group = backend.groups.get(follower.group)
        if group is None or follower.stream not in group.streams:
            return  # deleted meanwhile, as may happen on AWS: later lines are lost
        now = int(time.time() * 1000)
        backend.put_log_events(follower.group, follower.stream, [{"timestamp": now, "message": line} for line in lines])


def _new_lines(follower: Follower, *, last: bool) -> tuple[list[str], int]:
    """The new whole lines of the file, and their size in bytes."""
    try:
        with follower.file.open("rb") as file:
            file.seek(follower.offset)
            data = file.read(CHUNK)
    except FileNotFoundError:
        return [], 0
    if not last and not data.endswith(b"\n") and len(data) < CHUNK:
        data = data[: data.rfind(b"\n") + 1]
    lines = data.decode(errors="replace").splitlines()
    return [line[:LONGEST] for line in lines if line], len(data)
