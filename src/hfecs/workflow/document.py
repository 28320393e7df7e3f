"""What stands in dag.json, as HyperFlow reads it; what HyperFlow knows and we don't need is passed over."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any

from pydantic import StrictFloat, StrictInt, StrictStr, StringConstraints, TypeAdapter
from pydantic.dataclasses import dataclass

Name = Annotated[str, StringConstraints(strict=True, min_length=1)]
Reference = StrictInt | StrictStr
"""An index into `signals`, or the name of a signal."""


@dataclass(frozen=True, slots=True)
class Executor:
    """The command of a job; `args` is a list of words or, in old files, one line."""

    executable: Name
    args: StrictStr | tuple[StrictStr | StrictInt | StrictFloat, ...] = ()
    env: dict[str, str | int | float] = field(default_factory=dict)
    stdout: Name | None = None
    stderr: Name | None = None
    options: dict[str, Any] = field(default_factory=dict)


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
    def program(self) -> str:
        """The executable of a job; the function of a process that is not a job."""
        return self.config.executor.executable if self.config.executor else self.function


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal: a file by its name, several files, or a control signal that is no file; `data` is sent at the start."""

    name: StrictStr
    data: list[Any] | None = None
    control: Name | None = None
    files: StrictStr | None = None

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
    name: StrictStr = "workflow"


DOCUMENT = TypeAdapter(Document)
"""Makes a Document of what json.loads gave."""
