"""What is measured: hfecs and terraform, each as three commands that are run as whole processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cloud import CREDENTIALS

HERE = Path(__file__).parent
PHASES = ("up", "up again", "destroy")
LONGEST_COMMAND = 600.0  # seconds
SETTINGS = {
    "HFECS_IMAGES_HFECS": "example.com/hfecs:bench",
    "HFECS_IMAGES_WORKER": "example.com/worker:bench",
    "HFECS_NETWORK_ADMIN_CIDRS": '["192.0.2.1/32"]',  # "auto" would ask a server on the Internet
}
PROVIDER = "hashicorp/aws"
# Where terraform itself looks for installed plugins.
PLUGIN_PLACES = ("~/.terraform.d/plugins", "~/.local/share/terraform/plugins", "/usr/local/share/terraform/plugins")


class CommandFailed(Exception):
    """A command ended with another exit code than 0, or was ended because it took longer than LONGEST_COMMAND."""


@dataclass(frozen=True)
class Tool:
    """A tool to measure: its commands by phase, and the directory whose files each run starts with, if with any."""

    name: str
    commands: dict[str, list[str]]
    environment: dict[str, str]
    files: Path | None = None


def hfecs(endpoint: str) -> Tool:
    """Return hfecs as this Python has it, or else as the checkout has it."""
    python_path = os.pathsep.join(filter(None, [str(HERE.parent / "src"), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "hfecs"]
    environment = _environment(endpoint) | SETTINGS | {"PYTHONPATH": python_path}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its byte code
    commands = {
        "up": [*command, "cluster", "up"],
        "up again": [*command, "cluster", "up"],
        "destroy": [*command, "destroy", "--yes"],
    }
    return Tool("hfecs", commands, environment)


def terraform(endpoint: str, image: str, scratch: Path, plugins: Path | None) -> Tool | None:
    """Return terraform, initialised with our configuration; None where it or its AWS provider is not installed.

    `plugins` is a directory of installed providers. Without it, terraform's own places and configuration file count.
    """
    program = shutil.which("terraform")
    plugins = plugins or _installed_plugins()
    if program is None or (plugins is None and not _has_configuration()):
        return None
    files = scratch / "terraform"
    shutil.copytree(HERE / "terraform", files, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    environment = _environment(endpoint) | {
        "CHECKPOINT_DISABLE": "1",  # no question to its maker about newer versions
        "TF_DATA_DIR": str(scratch / "terraform-data"),
        "TF_VAR_ami_id": image,
    }
    if not _has_configuration():
        environment.pop("TF_CLI_CONFIG_FILE", None)
    flags = ["-input=false", "-no-color"]
    run([program, "init", *flags, *([f"-plugin-dir={plugins}"] if plugins else [])], files, environment)
    apply = [program, "apply", "-auto-approve", *flags]
    destroy = [program, "destroy", "-auto-approve", *flags]
    commands = {"up": apply, "up again": apply, "destroy": destroy}
    return Tool(_terraform_version(program, files, environment), commands, environment, files)


def run(command: list[str], directory: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run a command in a directory; return when it began and when it ended, in seconds of the monotonic clock."""
    talk = directory / "talk.txt"
    with talk.open("w") as file:
        start = time.monotonic()
        # A session of its own: terraform's providers are ended along with it.
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        limit = threading.Timer(LONGEST_COMMAND, os.killpg, (process.pid, signal.SIGKILL))
        limit.start()
        try:
            code = process.wait()  # without a timeout: with one, Python looks only every 50 ms
        except BaseException:
            _end(process)
            raise
        finally:
            end = time.monotonic()
            limit.cancel()
    if code:
        raise CommandFailed(f"`{_shown(command)}` ended with exit code {code}:\n{_tail(talk)}")
    return start, end


def _environment(endpoint: str) -> dict[str, str]:
    """Return this process's environment without what it says about AWS, and with the stand-in's."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HFECS_", "TF_VAR_"))}
    return (
        rest
        | CREDENTIALS
        | {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
    )


def _installed_plugins() -> Path | None:
    places = (Path(place).expanduser() for place in PLUGIN_PLACES)
    return next((place for place in places if any(place.glob(f"*/{PROVIDER}"))), None)


def _has_configuration() -> bool:
    named = os.environ.get("TF_CLI_CONFIG_FILE")
    return Path(named or "~/.terraformrc").expanduser().is_file()


def _terraform_version(program: str, files: Path, environment: dict[str, str]) -> str:
    answer = subprocess.run([program, "version", "-json"], cwd=files, env=environment, capture_output=True, check=True)
    versions = json.loads(answer.stdout)
    provider = next(version for name, version in versions["provider_selections"].items() if name.endswith(PROVIDER))
    return f"terraform {versions['terraform_version']} with AWS provider {provider}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command under way, and what it started."""
    for ending in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, ending)
            process.wait(timeout=10)


def _shown(command: list[str]) -> str:
    return " ".join([Path(command[0]).name, *command[1:]])


def _tail(file: Path) -> str:
    return "\n".join(file.read_text(errors="replace").rstrip().splitlines()[-25:])
