"""Where the files of a run lie in its bucket: uploads by their contents, and what its jobs write in its own folder.

`files/TAG/input/a.fits` is an uploaded file with the entity tag TAG. Files of the same name but with other contents lie
beside each other, and none is ever overwritten. `runs/RUN/files.json` has the tags of a run's files, by names such as
`input/a.fits`. Its jobs write below `runs/RUN/files/`. Runs of earlier versions have no files.json: all
runs of a bucket shared `workdir/` and `input/`.
"""

from __future__ import annotations

from collections.abc import Mapping

STORE = "files/"
SHARED = "input/"
"""Where jobs read and write their files in runs without a files.json."""


def tags_key(run: str) -> str:
    """The key of the tags of a run's files."""
    return f"runs/{run}/files.json"


def output_key(run: str) -> str:
    """The key of what the jobs of a run printed: a line of JSON for each try."""
    return f"runs/{run}/output.jsonl.gz"


def own_prefix(run: str) -> str:
    """Where the jobs of a run write their files."""
    return f"runs/{run}/files/"


def stored(name: str, tag: str) -> str:
    """The key of an uploaded file; `name` begins with workdir/ or input/."""
    return f"{STORE}{tag}/{name}"


def of_inputs(prefix: str, inputs: Mapping[str, str]) -> dict[str, str]:
    """The keys of a run's inputs with these tags, by names; in runs that share `input/` they lie below the prefix."""
    return {} if prefix == SHARED else {name: stored(f"input/{name}", tag) for name, tag in inputs.items()}
