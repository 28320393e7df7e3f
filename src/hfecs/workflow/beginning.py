"""How a run began: runs/RUN/run.json of its bucket, written by the engine's agent and read by whoever resumes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pydantic import RootModel
from pydantic.dataclasses import dataclass

from hfecs.workflow.keys import SHARED, stored


@dataclass(frozen=True)
class Beginning:
    """The variables and options of a workflow, and how to tell whether its files have changed.

    `workdir` has the SHA-256 of each file of the workflow, `inputs` the entity tags of the files that its jobs read, or
    its outputs name, and none writes. What jobs write lies below `prefix`. `attempt` is the last one that began,
    `began` when `hfecs run` did, in seconds since 1970; `facts` are words about how the run was made. Earlier versions
    of hfecs wrote fewer of these.
    """

    run: str = ""
    started: str = ""
    attempt: int = 1
    variables: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str | float] = field(default_factory=dict)
    workdir: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    prefix: str = SHARED
    began: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    def key_of(self, name: str) -> str:
        """The key of a file of the workflow, in the bucket."""
        has_own_key = self.prefix != SHARED and name in self.inputs
        return stored(f"input/{name}", self.inputs[name]) if has_own_key else self.prefix + name

    @classmethod
    def from_json(cls, content: bytes) -> Beginning:
        """Read the file; pydantic's ValidationError if it is another."""
        return RootModel[Beginning].model_validate_json(content).root

    def to_json(self) -> str:
        """The file's content."""
        return RootModel[Beginning](self).model_dump_json(indent=2)
