"""Killed anywhere: a command is killed at one of its changing calls, and then everything is removed, or made again.

From one killed command four copies of the cloud go their own ways: `destroy` with the state file and from a second
directory that has none; the same `up` again with the state file and after that was deleted.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

from blueprints.leftovers import leftovers
from hostile.clients import Clients, DirectedCloud
from hostile.inventory import Inventory, differences, inventory
from hostile.operations import RANDOM
from hostile.stand_in import SIGKILLED, Ended, StandIn, Zygote
from support import ME, write_job

# A run tells its demand, and what alarms make of it is not what the command has made: here they follow the queue.
CONFIGURATION = f"""
[scaling]
metric = "queue"
[network]
admin_cidrs = ["{ME}"]
[images]
hfecs = "hfecs:1"
worker = "montage:1"
"""
STATE = "hfecs.state.json"
BUCKET = "hfecs-files"

BRANCHES = ("destroy", "destroy from a second directory", "again without the state file", "again")
AGAIN, WITH_STATE = BRANCHES[2:], (BRANCHES[0], BRANCHES[3])

Arguments = tuple[str, ...]
MONITORING: Arguments = ("monitoring", "up")
CLUSTER: Arguments = ("cluster", "up")
PROVIDED: Arguments = ("--set", "scaling.instances=capacity-provider", *CLUSTER)
RUN: Arguments = ("run", "job", "--bucket", BUCKET)
DESTROY: Arguments = ("destroy", "--yes", "--delete-data")

UNANSWERED, ANSWERED = "before its answer", "after its answer"


@dataclass(frozen=True)
class Story:
    """A command that is killed: after which others, and which make again what it has made or taken away."""

    command: Arguments
    before: tuple[Arguments, ...]
    again: tuple[Arguments, ...]
    # A run that is started without the state file is another run; what is left of the first one ends by itself.
    again_without_state: bool = True

    def branches(self, moment: str) -> list[str]:
        """What is tried after the kill; whether a call was answered makes a difference to the state file only."""
        without = BRANCHES[1:3] if self.again_without_state else BRANCHES[1:2]
        with_state = (BRANCHES[0], BRANCHES[3])
        tried = (*with_state, *without) if moment == UNANSWERED else with_state
        return [branch for branch in BRANCHES if branch in tried and (self.again or branch not in AGAIN)]


STORIES = {
    "monitoring up": Story(MONITORING, (), (MONITORING,)),
    "cluster up": Story(CLUSTER, (MONITORING,), (CLUSTER,)),
    "cluster up, to a capacity provider": Story(PROVIDED, (CLUSTER,), (PROVIDED,)),
    "cluster up, back to alarms": Story(CLUSTER, (PROVIDED,), (CLUSTER,)),
    "run": Story(RUN, (CLUSTER,), (RUN,), again_without_state=False),
    "destroy of a cluster": Story(DESTROY, (CLUSTER,), (CLUSTER,)),
    "destroy with a capacity provider": Story(DESTROY, (PROVIDED,), (PROVIDED,)),
    "destroy of a monitoring": Story(DESTROY, (MONITORING,), (MONITORING,)),
    "destroy of all": Story(DESTROY, (MONITORING, CLUSTER, RUN), ()),
}
# Of these commands only the calls count that no other one makes.
BESIDES = {
    "destroy with a capacity provider": ("destroy of a cluster",),
    "destroy of all": ("destroy of a cluster", "destroy of a monitoring"),
}


@dataclass(frozen=True)
class Point:
    """Where a command is killed: which of its changing calls, on what, and whether it has seen the answer."""

    command: str
    number: int
    operation: str
    what: str
    moment: str


@dataclass(frozen=True)
class Standing:
    """A cloud in which something stands, and the directory of who made it."""

    cloud: StandIn
    directory: Path


class Sweep:
    """Kills commands, and looks what becomes of it."""

    def __init__(self, empty: StandIn, zygote: Zygote, clients: Clients, scratch: Path) -> None:
        self._empty, self._zygote, self._clients, self._scratch = empty, zygote, clients, scratch
        self._numbers = count(1)
        self._warm_up()
        self.standing = cache(self._make)
        self.calls = cache(self._calls)
        self.wanted = cache(self._wanted)

    def points(self, command: str, moment: str) -> list[Point]:
        """All points of a command, but for those that another one has."""
        calls = self.calls(command)
        known = Counter(call for other in BESIDES.get(command, ()) for call in self.calls(other))
        points = []
        for number, call in reversed(list(enumerate(calls, start=1))):
            if known[call] > 0:
                known[call] -= 1
            else:
                points.append(Point(command, number, *call, moment))
        # When the last call has been answered, there is nothing left to disturb.
        return [point for point in points[::-1] if moment == UNANSWERED or point.number < len(calls)]

    def outcome(self, point: Point) -> dict[str, str]:
        """What became of each branch: nothing if it ended well, or what is wrong."""
        story = STORIES[point.command]
        before = self.standing(story.before)
        with before.cloud.copied() as cloud:
            struck = Standing(cloud, self._directory(before.directory))
            at = {"after": point.number} if point.moment == UNANSWERED else {"before": point.number + 1}
            killed = self._run(struck, story.command, **at)
            if killed.code != SIGKILLED:
                return {"kill": f"the command ended with {killed.code}: {killed.talk[-600:]}"}
            return {name: self._branch(name, struck, story) for name in story.branches(point.moment)}

    def _branch(self, name: str, struck: Standing, story: Story) -> str:
        check = self._made_again if name in AGAIN else self._destroyed
        with struck.cloud.copied() as cloud:
            here = Standing(cloud, self._directory(struck.directory))
            if name not in WITH_STATE:
                (here.directory / STATE).unlink(missing_ok=True)
            wrong = check(here, story)
        shutil.rmtree(here.directory)
        return wrong

    def _destroyed(self, here: Standing, _: Story) -> str:
        ended = self._run(here, DESTROY)
        left = [*leftovers(self._seen(here)), *self.records(here)]
        return "" if ended.code == 0 and not left else f"exit {ended.code}, left: {left}; {ended.talk[-600:]}"

    def _made_again(self, here: Standing, story: Story) -> str:
        for arguments in story.again:
            ended = self._run(here, arguments)
            if ended.code != (SIGKILLED if arguments == RUN else 0):
                return f"{' '.join(arguments)} ended with {ended.code}: {ended.talk[-600:]}"
        wanted, recorded = self.wanted(story.before if story.command == DESTROY else (*story.before, story.command))
        wrong = differences(wanted, inventory(self._seen(here)))
        made = {word for arguments in story.again for word in arguments}
        records = [
            [record for record in listed if record.split()[0] in made] for listed in (recorded, self.records(here))
        ]
        if records[0] != records[1]:
            wrong.append(f"the state file should name {records[0]} and names {records[1]}")
        return "\n".join(wrong)

    def records(self, here: Standing) -> list[str]:
        """What the state file names, without the random part of a run's name."""
        file = here.directory / STATE
        clusters = json.loads(file.read_text())["clusters"].values() if file.exists() else []
        stacks = [named for cluster in clusters for named in cluster["stacks"].items()]
        named = [(stack, item["kind"], item["name"]) for stack, entry in stacks for item in entry["resources"]]
        return sorted(RANDOM.sub("<id>", " ".join(words)) for words in named)

    def _run(self, here: Standing, arguments: Arguments, **at: int) -> Ended:
        look = arguments[0] == "run"
        return self._zygote.run(*arguments, directory=here.directory, on=here.cloud, at_look=look, **at)

    def _warm_up(self) -> None:
        """Let moto load what it loads at the first use of each service, once for all copies."""
        here = Standing(self._empty, self._directory())
        for arguments in (MONITORING, CLUSTER, RUN, DESTROY):
            self._run(here, arguments)
        self._empty.reset()

    def _seen(self, here: Standing) -> DirectedCloud:
        self._clients.url = here.cloud.url
        return DirectedCloud(self._clients)

    def _directory(self, like: Path | None = None) -> Path:
        directory = self._scratch / str(next(self._numbers))
        if like:
            return Path(shutil.copytree(like, directory))
        directory.mkdir()
        (directory / "hfecs.toml").write_text(CONFIGURATION)
        write_job(directory / "job")
        return directory

    def _make(self, commands: tuple[Arguments, ...]) -> Standing:
        """A cloud and a directory after these commands, undisturbed."""
        if not commands:
            return Standing(self._empty, self._directory())
        before = self.standing(commands[:-1])
        here = Standing(before.cloud.copy(), self._directory(before.directory))
        ended = self._run(here, commands[-1])
        assert ended.code in (0, SIGKILLED), ended.talk
        return here

    def _calls(self, command: str) -> list[tuple[str, str]]:
        """The changing calls that the command makes when nobody disturbs it."""
        story = STORIES[command]
        before = self.standing(story.before)
        with before.cloud.copied() as cloud:
            ended = self._run(Standing(cloud, self._directory(before.directory)), story.command)
            assert ended.code in (0, SIGKILLED), ended.talk
            return cloud.calls()

    def _wanted(self, commands: tuple[Arguments, ...]) -> tuple[Inventory, list[str]]:
        here = self.standing(commands)
        return inventory(self._seen(here)), self.records(here)
