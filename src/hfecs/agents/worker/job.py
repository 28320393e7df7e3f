"""A job as it arrives: the message on the queue of jobs, with its options, checked and parsed."""

from __future__ import annotations

import json
import math
import posixpath
import re
import reprlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hfecs.agents.worker.settings import STORAGES
from hfecs.errors import WorkflowInvalid

RETRIES = 2
"""Retries of a failed program, unless the job sets its own."""

MOST_RETRIES = 100

LONGEST_SECONDS = 31_536_000
"""A longer time limit is cut to a year: the system's clocks cannot wait for any number."""

_ODD = re.compile("[\0\ud800-\udfff]")

LONGEST_ID = 200


class _Brief(reprlib.Repr):
    """Shortens long values, and shows only the upper levels of deep ones."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother, self.maxlong = 3, 200, 100, 40


@dataclass(frozen=True)
class Options:
    """The place of the files, the time limit in seconds, the number of retries, and the job's image."""

    storage: str
    bucket: str = ""
    prefix: str = ""
    workdir: str = ""
    timeout: float | None = None
    container: str = ""
    retries: int = RETRIES


def read_options(options: object, default_storage: str, nfs: str) -> Options:
    """Check a message's options; WorkflowInvalid says what is wrong. `nfs`: the directory of the file server."""
    if not isinstance(options, dict | None):
        raise WorkflowInvalid(f"The job's 'options' are {brief(options)}, not a JSON object.")
    values = options or {}
    storage = text(values, "storage") or default_storage
    if storage not in STORAGES:
        raise WorkflowInvalid(f"The job's option 'storage' is {brief(storage)}, not one of {', '.join(STORAGES)}.")
    places = {key: text(values, key) for key in ("bucket", "prefix", "workdir")}
    needed = "bucket" if STORAGES[storage] == "s3" else "workdir"
    if not places[needed]:
        raise WorkflowInvalid(f"The job's storage is {storage}, but its option {needed!r} is missing.")
    if needed == "workdir":
        places["workdir"] = _directory(places["workdir"], nfs)
    return Options(
        STORAGES[storage],
        **places,
        timeout=_timeout(values.get("timeout")),
        container=_image(values),
        retries=_retries(values.get("retries")),
    )


def text(values: Mapping[str, Any], key: str) -> str:
    """The text under a key; empty if there is none."""
    value = values.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or not is_plain(value):
        raise WorkflowInvalid(f"The job's {key!r} is {brief(value)}, not a text.")
    return value


def is_plain(value: str) -> bool:
    """Whether system and broker accept a text: no null characters, no lone surrogates."""
    return _ODD.search(value) is None


def brief(value: object) -> str:
    """A value for a sentence, shortened if it is long or deep."""
    return _Brief().repr(value)


def _directory(workdir: str, nfs: str) -> str:
    """An absolute directory; a relative one is below that of the file server."""
    if not workdir.startswith("/") and not nfs:
        raise WorkflowInvalid(f"The job's option 'workdir' is {brief(workdir)}, but this executor has no file server.")
    return posixpath.join(nfs, workdir)


def _image(values: Mapping[str, Any]) -> str:
    """The image of the job's container, which Docker must not read as an option."""
    image = text(values, "container")
    if image.startswith("-"):
        raise WorkflowInvalid(f"The job's option 'container' is {brief(image)}, not an image.")
    return image


def _timeout(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise WorkflowInvalid(f"The job's option 'timeout' is {brief(value)}, not a number of seconds above 0.")
    return float(min(value, LONGEST_SECONDS))


def _retries(value: object) -> int:
    if value is None:
        return RETRIES
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_RETRIES:
        raise WorkflowInvalid(
            f"The job's option 'retries' is {brief(value)}, not a whole number from 0 to {MOST_RETRIES}."
        )
    return value


@dataclass(frozen=True)
class Job:
    """A command, the files that it reads and writes, and the names of the files for its output."""

    id: str
    name: str
    run: str
    executable: str
    args: tuple[str, ...]
    env: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    stdout: str
    stderr: str
    options: Options
    shell: bool = False
    input_keys: Mapping[str, str] = field(default_factory=dict)
    """Keys of inputs in the bucket that do not lie below the options' prefix, by their names."""

    @property
    def words(self) -> tuple[str, ...]:
        """The command line; with `shell`, the program and its arguments are one line of shell."""
        line = (self.executable, *self.args)
        return ("/bin/sh", "-c", " ".join(line)) if self.shell else line

    @property
    def results(self) -> tuple[str, ...]:
        """The files to store when the job has succeeded."""
        return tuple(dict.fromkeys(name for name in (*self.outputs, self.stdout, self.stderr) if name))


def parse(body: bytes, default_storage: str, nfs: str = "") -> Job:
    """Parse a message; WorkflowInvalid says why it is not a job. `nfs` is the directory of the file server."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WorkflowInvalid(f"The message is not a job: it is not JSON ({error}).") from error
    if not isinstance(message, dict):
        raise WorkflowInvalid("The message is not a job: it is not a JSON object.")
    inputs, outputs = _signals(message, "inputs"), _signals(message, "outputs")
    read, stored = _files(inputs), _files(outputs)
    attributes = _attributes([*inputs, *outputs])
    lengths = sorted({len(name) for name in attributes}, reverse=True)
    return Job(
        id=_id(message),
        name=text(message, "name"),
        run=text(message, "run"),
        executable=_required(message, "executable"),
        args=tuple(_filled(word, attributes, lengths) for word in _words(message)),
        env={key: _filled(value, attributes, lengths) for key, value in _environment(message).items()},
        inputs=read,
        outputs=stored,
        stdout=_file(text(message, "stdout")),
        stderr=_file(text(message, "stderr")),
        options=read_options(message.get("options"), default_storage, nfs),
        shell=bool(message.get("shell")),
        input_keys=_keys(inputs),
    )


def _id(message: Mapping[str, Any]) -> str:
    """The job's id; it is part of its events' routing keys, which AMQP limits to 255 bytes."""
    value = text(message, "id")
    if len(value.encode()) > LONGEST_ID:
        raise WorkflowInvalid(f"The job's 'id' is longer than {LONGEST_ID} bytes: {brief(value)}.")
    return value


def _required(message: Mapping[str, Any], key: str) -> str:
    value = text(message, key)
    if not value:
        raise WorkflowInvalid(f"The message is not a job: it has no {key!r}.")
    return value


def _words(message: Mapping[str, Any]) -> list[str]:
    """The arguments: a list or, in old files, one line to be split as a shell does."""
    args = message.get("args") or []
    try:
        words = _split(args, bool(message.get("shell"))) if isinstance(args, str) else args
    except ValueError as error:
        raise WorkflowInvalid(f"The job's args {brief(args)} cannot be split into words: {error}.") from error
    if not isinstance(words, list):
        raise WorkflowInvalid(f"The job's 'args' are {brief(args)}, not a list.")
    return [_scalar("args", word) for word in words]


def _split(line: str, shell: bool) -> list[str]:
    return [line] if shell else shlex.split(line)


def _environment(message: Mapping[str, Any]) -> dict[str, str]:
    env = message.get("env") or {}
    if not isinstance(env, dict) or any(not key or "=" in key or not is_plain(key) for key in env):
        raise WorkflowInvalid(f"The job's 'env' is {brief(env)}, not variables with their values.")
    return {key: _scalar("env", value) for key, value in env.items()}


def _scalar(key: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not is_plain(str(value)):
        raise WorkflowInvalid(f"The job's {key!r} hold {brief(value)}, neither a text nor a number.")
    return str(value)


def _signals(message: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    signals = message.get(key) or []
    if not isinstance(signals, list) or any(not isinstance(signal, dict) for signal in signals):
        raise WorkflowInvalid(f"The job's {key!r} are not a list of signals.")
    return signals


def _files(signals: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The files of signals, without duplicates: their `files`, separated by colons, otherwise their names."""
    names: dict[str, None] = {}
    for signal in signals:
        if signal.get("control"):
            continue
        files = text(signal, "files")
        for name in files.split(":") if files else [_required(signal, "name")]:
            names[_file(name)] = None
    return tuple(names)


def _keys(signals: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    keys: dict[str, str] = {}
    for signal in signals:
        told = signal.get("hfecsKeys") or {}
        if not isinstance(told, dict) or not all(isinstance(key, str) and is_plain(key) for key in told.values()):
            raise WorkflowInvalid(f"The job's keys of inputs are {brief(told)}, not texts.")
        keys.update(told)
    return keys


def _file(name: str) -> str:
    """The name of a file in the job's directory, or an empty text."""
    if name and {"", ".", ".."} & set(name.split("/")):
        raise WorkflowInvalid(f"The file {brief(name)} is outside the job's directory, so the job was not started.")
    return name


def _attributes(signals: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The values of `$name_attribute` in arguments and environment."""
    return {
        f"{signal.get('name')}_{attribute}": text({attribute: str(value)}, attribute)
        for signal in signals
        for attribute, value in signal.items()
        if isinstance(value, str | int | float)
    }


def _filled(word: str, attributes: Mapping[str, str], lengths: Sequence[int]) -> str:
    """A word with all names replaced by their values; the longest match wins. `lengths` are those of the names."""
    done, at = "", 0
    while (dollar := word.find("$", at)) >= 0:
        begin = dollar + 1
        name = next((name for length in lengths if (name := word[begin : begin + length]) in attributes), None)
        done += word[at:dollar] + ("$" if name is None else attributes[name])
        at = begin + len(name or "")
    return done + word[at:]
