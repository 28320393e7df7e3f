"""A job directory: which of its files is the workflow, which are its scripts, and which are the inputs."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hfecs.workflow.fault import Fault, shown

NAMES = ("dag.json", "workflow.json")
"""What a workflow's file may be called; in a bucket it is workdir/dag.json."""

KEY = "workdir/dag.json"
SCRIPTS = (".js", ".cjs", ".mjs", ".json")
"""What belongs to a workflow that has no folder of its own."""

LAYOUT = (
    "a job directory holds workdir/dag.json and input/; 'hfecs example montage DIR' writes one. "
    "Without workdir/ it holds dag.json or workflow.json"
)


@dataclass(frozen=True)
class JobDirectory:
    """A directory with a workflow, and the one with its inputs, if they are not in `input/`."""

    directory: Path
    inputs_from: Path | None = None

    @property
    def name(self) -> str:
        """The directory's name."""
        return self.directory.name

    @property
    def inputs(self) -> Path:
        """The directory with the inputs."""
        return self.inputs_from or self.directory / "input"

    @property
    def place(self) -> str:
        """How messages call the directory with the inputs."""
        return f"{shown(self.inputs_from)}/" if self.inputs_from else "input/"

    @property
    def workdir(self) -> Path:
        """The directory with the workflow."""
        folder = self.directory / "workdir"
        has_own = any((folder / name).exists() for name in NAMES)
        return folder if has_own or not any((self.directory / name).exists() for name in NAMES) else self.directory

    @property
    def document(self) -> Path:
        """The workflow's file."""
        return next((path for name in NAMES if (path := self.workdir / name).exists()), self.workdir / NAMES[0])

    def faults(self) -> Iterator[Fault]:
        """What keeps the workflow from being found."""
        if not self.directory.is_dir():
            yield Fault(f"there is no directory {shown(self.directory)}", LAYOUT)
        elif not self.workdir.is_dir():
            places = " and ".join(f"{shown(self.directory / folder)}/" for folder in ("workdir", "."))
            yield Fault(f"there is no dag.json and no workflow.json in {places}", LAYOUT)
        elif all((self.workdir / name).exists() for name in NAMES):
            yield Fault(f"{shown(self.workdir)} has both {NAMES[0]} and {NAMES[1]}", "keep the one that is to be run")
        if self.inputs_from and not self.inputs_from.is_dir():
            yield Fault(
                f"there is no directory {shown(self.inputs_from)}", "--inputs names the directory of the inputs"
            )

    @cached_property
    def workflow_files(self) -> dict[str, Path]:
        """The workflow's file and what lies beside it, by their names in workdir/."""
        found = _files_below(self.workdir) if self.workdir != self.directory else self._scripts()
        others = {path.relative_to(self.workdir).as_posix(): path for path in found if path != self.document}
        return {NAMES[0]: self.document, **others} if self.document.is_file() else others

    def _scripts(self) -> Iterator[Path]:
        return (path for path in sorted(self.directory.iterdir()) if path.is_file() and path.suffix in SCRIPTS)

    @cached_property
    def input_files(self) -> dict[str, Path]:
        """All files of the directory with the inputs, by their names in it."""
        return {path.relative_to(self.inputs).as_posix(): path for path in _files_below(self.inputs)}

    def files(self, read: Iterable[str] = ()) -> dict[str, Path]:
        """What is uploaded, by keys: of a directory elsewhere only what the workflow reads."""
        wanted = set(read) if self.inputs_from else self.input_files.keys()
        inputs = {f"input/{name}": path for name, path in self.input_files.items() if name in wanted}
        return {**{f"workdir/{name}": path for name, path in self.workflow_files.items()}, **inputs}

    def way_out(self, missing: Collection[str]) -> str:
        """How to arrange inputs that are not where they were looked for."""
        folders = [self.directory, *(path for path in _folders(self.directory) if path != self.inputs)]
        having = {folder: sum((folder / name).is_file() for name in missing) for folder in folders}
        best = max(having, key=lambda folder: having[folder])
        put = f"put the missing files into {self.place}"
        if not having[best]:
            return f"{put}, or name the directory that holds the inputs: hfecs run JOB_DIR --inputs DIR"
        return f"{put}; {having[best]} of {len(missing)} in {shown(best)}: hfecs run JOB_DIR --inputs {shown(best)}"


def _folders(directory: Path) -> list[Path]:
    return sorted(path for path in directory.iterdir() if path.is_dir()) if directory.is_dir() else []


def _files_below(directory: Path) -> Iterator[Path]:
    """All files, as `aws s3 sync` finds them: links to folders are followed, but not back into a folder above."""
    yield from _walk(directory, frozenset())


def _walk(directory: Path, above: frozenset[str]) -> Iterator[Path]:
    real = os.path.realpath(directory)
    if real in above or not directory.is_dir():
        return
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(Path(entry.path), above | {real})
        elif entry.is_file():
            yield Path(entry.path)
