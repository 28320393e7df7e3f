"""How a run began: runs/RUN/run.json of its bucket, written by the engine's agent and read by whoever resumes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pydantic import RootModel
from pydantic.dataclasses import dataclass


@dataclass(frozen=True)
class Beginning:
    """The variables and options of a workflow, and how to tell whether its files have changed.

    `workdir` has the SHA-256 of each file of the workflow, `inputs` the entity tags of the files that its jobs read and
    none writes. `attempt` is the last one that began. Earlier versions of hfecs wrote fewer of these.
    """

    run: str = ""
    started: str = ""
    attempt: int = 1
    variables: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str | float] = field(default_factory=dict)
    workdir: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, content: bytes) -> Beginning:
        """Read the file; pydantic's ValidationError if it is another."""
        return RootModel[Beginning].model_validate_json(content).root

    def to_json(self) -> str:
        """The file's content."""
        return RootModel[Beginning](self).model_dump_json(indent=2)
