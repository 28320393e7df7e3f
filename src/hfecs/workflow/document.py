"""What stands in dag.json, as HyperFlow reads it; what HyperFlow knows and we don't need is passed over."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any

from pydantic import StrictFloat, StrictInt, StringConstraints, TypeAdapter
from pydantic.dataclasses import dataclass

JOB_FUNCTIONS = ("amqpCommand", "{{function}}", "command", "redisCommand")
"""Processes with these functions are jobs for the workers; all others are functions of the engine or the user."""

LONGEST_TEXT = 1_000_000

# With a bound pydantic looks into texts, and finds halves of characters that no file and no program can have.
Text = Annotated[str, StringConstraints(strict=True, max_length=LONGEST_TEXT)]
Name = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=LONGEST_TEXT)]
Reference = StrictInt | Text
"""An index into `signals`, or the name of a signal."""


@dataclass(frozen=True, slots=True)
class Executor:
    """The command of a job; `args` is a list of words or, in old files, one line. With `shell`, a shell reads them."""

    executable: Name
    args: Text | tuple[Text | StrictInt | StrictFloat, ...] = ()
    env: dict[Text, Text | int | float] = field(default_factory=dict)
    stdout: Name | None = None
    stderr: Name | None = None
    options: dict[str, Any] = field(default_factory=dict)
    shell: Any = None


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a process."""

    executor: Executor | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """A process: a job, if an executor runs it, or a function of the engine."""

    name: Name
    function: Name
    config: Config = Config()
    ins: tuple[Reference, ...] = ()
    outs: tuple[Reference, ...] = ()

    @property
    def is_job(self) -> bool:
        """Whether a worker runs it, not the engine."""
        return self.function in JOB_FUNCTIONS

    @property
    def program(self) -> str:
        """The executable of a job; the function of a process that is not a job."""
        return self.config.executor.executable if self.config.executor else self.function


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal: a file by its name, several files, or a control signal that is no file; `data` is sent at the start."""

    name: Text
    data: list[Any] | None = None
    control: Name | None = None
    files: Text | None = None

    def file_names(self) -> tuple[str, ...]:
        """The names of the files that this signal stands for."""
        if self.control:
            return ()
        return tuple(self.files.split(":")) if self.files is not None else (self.name,)


@dataclass(frozen=True, slots=True)
class Document:
    """The whole of dag.json."""

    processes: tuple[Process, ...]
    signals: tuple[Signal, ...]
    ins: tuple[Reference, ...]
    outs: tuple[Reference, ...]
    name: Text = "workflow"


DOCUMENT = TypeAdapter(Document)
"""Makes a Document of what json.loads gave."""
