"""What a machine does about its deadline: its script, run for real against an EC2 and metadata that are not."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from hfecs import templating
from hfecs.provisioning.deadline import Deadline
from serving import Quiet, serving

SECRET = "secret/of+the=role"
ROLE_KEYS = (
    f'{{\n  "Code" : "Success",\n  "AccessKeyId" : "ASIA1",\n  "SecretAccessKey" : "{SECRET}",\n  "Token" : "tok=="\n}}'
)
META = "/latest/meta-data/"


class Amazon(ThreadingHTTPServer):
    """EC2 and the metadata of a machine; what they say of its deadline is None when they do not answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.of_ec2: str | None = None
        self.of_metadata: str | None = None
        self.asked: list[tuple[dict[str, str], bytes]] = []

    def metadata(self) -> dict[str, str | None]:
        return {
            "placement/region": "us-east-1",
            "services/domain": "amazonaws.com",
            "instance-id": "i-1",
            "iam/security-credentials/": "machine",
            "iam/security-credentials/machine": ROLE_KEYS,
            "tags/instance/hfecs:ends": self.of_metadata,
        }


class Handler(Quiet, BaseHTTPRequestHandler):
    """Answers one request."""

    server: Amazon

    def do_PUT(self) -> None:
        self._answer("token")

    def do_GET(self) -> None:
        token = self.headers["X-aws-ec2-metadata-token"] == "token"
        self._answer(self.server.metadata().get(self.path.removeprefix(META)) if token else None)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((dict(self.headers), body))
        told = self.server.of_ec2
        tags = {"hfecs:ends": told, "hfecs:name": "master"} if told else {}
        item = "".join(f"<item>\n <key>{key}</key>\n <value>{value}</value>\n</item>" for key, value in tags.items())
        self._answer(None if told is None else f'<?xml version="1.0"?>\n<r><tagSet>{item}</tagSet></r>')

    def _answer(self, text: str | None) -> None:
        body = (text or "").encode()
        self.send_response(404 if text is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    with serving(Amazon()) as server:
        yield server


class Machine:
    """A machine whose programs are in a folder, and which only says that it shuts down."""

    def __init__(self, folder: Path, amazon: Amazon) -> None:
        self.folder, self.kept = folder, folder / "ends"
        values = {"cluster": "c", "role": "master", "stop_timeout": 120, "nfs_mount": ""}
        whole = templating.text("user-data/machine.sh", **values, end_with_task="false", deadline_of="itself")
        (script,) = re.findall(r"hfecs-deadline <<'SCRIPT'\n(.*?)^SCRIPT$", whole, re.MULTILINE | re.DOTALL)
        address = f"http://127.0.0.1:{amazon.server_port}"
        for text, stand_in in {
            "http://169.254.169.254": address,
            "https://ec2.$region.$domain": address,
            "/var/lib/hfecs/ends": str(self.kept),
            "/proc/uptime": str(folder / "uptime"),
        }.items():
            assert text in script
            script = script.replace(text, stand_in)
        self._program("hfecs-deadline", script)
        self._program("shutdown", f"#!/bin/sh\necho down >> {folder}/down\n")
        self._program("logger", "#!/bin/sh\n")
        self.has_been_up(timedelta(minutes=5))

    def _program(self, name: str, script: str) -> None:
        (self.folder / name).write_text(script)
        (self.folder / name).chmod(0o755)

    def has_been_up(self, time: timedelta) -> None:
        (self.folder / "uptime").write_text(f"{time.total_seconds():.2f} 1.00\n")

    def looks(self, deadline_of: str = "itself") -> bool:
        """Let it look at its deadline; whether it shut down."""
        path = f"{self.folder}:{os.environ['PATH']}"
        subprocess.run(
            [self.folder / "hfecs-deadline"], env={"PATH": path, "HFECS_DEADLINE_OF": deadline_of}, check=False
        )
        return (self.folder / "down").exists()


@pytest.fixture
def machine(tmp_path: Path, amazon: Amazon) -> Machine:
    return Machine(tmp_path, amazon)


def within(hours: float) -> str:
    return str(Deadline.after(hours, datetime.now(UTC)))


def test_a_machine_goes_on_until_its_deadline(machine: Machine, amazon: Amazon) -> None:
    amazon.of_ec2 = within(1)

    assert not machine.looks()


def test_a_machine_shuts_down_past_its_deadline(machine: Machine, amazon: Amazon) -> None:
    amazon.of_ec2 = within(-0.01)

    assert machine.looks()


def test_what_ec2_says_counts_more_than_metadata_from_the_start(machine: Machine, amazon: Amazon) -> None:
    amazon.of_metadata, amazon.of_ec2 = within(-1), within(1)

    assert not machine.looks()


def test_without_an_answer_counts_what_ec2_said_last(machine: Machine, amazon: Amazon) -> None:
    amazon.of_ec2 = within(1)
    machine.looks()
    amazon.of_ec2, amazon.of_metadata = None, within(-1)

    assert not machine.looks()


def test_without_any_answer_of_ec2_counts_the_metadata(machine: Machine, amazon: Amazon) -> None:
    amazon.of_metadata = within(-1)

    assert machine.looks()


def test_a_machine_that_shall_live_for_ever_does(machine: Machine, amazon: Amazon) -> None:
    amazon.of_ec2 = "never"
    machine.has_been_up(timedelta(days=100))

    assert not machine.looks()


@pytest.mark.parametrize("said", [None, "", "soon"])
def test_a_machine_that_nobody_told_a_deadline_ends_twelve_hours_after_its_boot(
    machine: Machine, amazon: Amazon, said: str | None
) -> None:
    amazon.of_ec2 = said
    machine.has_been_up(timedelta(hours=11.9))
    assert not machine.looks()

    machine.has_been_up(timedelta(hours=12.1))

    assert machine.looks()


def test_the_question_is_signed_as_ec2_wants_it(machine: Machine, amazon: Amazon) -> None:
    amazon.of_ec2 = within(1)

    machine.looks()

    ((headers, body),) = amazon.asked
    assert b"Action=DescribeInstances" in body
    assert b"Filter.1.Value.1=i-1" in body
    signed = re.findall(r"SignedHeaders=([^,]*)", headers["Authorization"])[0].split(";")
    lower = {name.lower(): value for name, value in headers.items()}
    assert lower["x-amz-security-token"] == "tok=="
    request = AWSRequest("POST", f"http://{headers['Host']}/", data=body)
    for name in signed:
        request.headers[name] = lower[name]
    request.context["timestamp"] = lower["x-amz-date"]
    signer = SigV4Auth(Credentials("ASIA1", SECRET), "ec2", "us-east-1")
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    assert headers["Authorization"].endswith(f"Signature={signature}")


def test_a_worker_ends_at_the_deadline_of_the_master_of_its_cluster(machine: Machine, amazon: Amazon) -> None:
    amazon.of_ec2 = within(-0.01)

    assert machine.looks(deadline_of="stars")

    ((_, body),) = amazon.asked
    asked = parse_qs(body.decode())
    filters = {asked[f"Filter.{number}.Name"][0]: asked[f"Filter.{number}.Value.1"][0] for number in (1, 2, 3)}
    assert filters == {"tag:hfecs:cluster": "stars", "tag:hfecs:name": "master", "instance-state-name": "running"}


def test_a_worker_whose_master_is_gone_ends_when_that_would_have(machine: Machine, amazon: Amazon) -> None:
    amazon.of_ec2 = within(1)
    assert not machine.looks(deadline_of="stars")
    assert machine.kept.exists()
    amazon.of_ec2 = ""
    machine.kept.write_text(within(-0.01))

    assert machine.looks(deadline_of="stars")


def test_no_secret_stands_on_a_command_line(machine: Machine, amazon: Amazon) -> None:
    amazon.of_ec2 = within(1)
    curl = machine.folder / "curl"
    curl.write_text(f'#!/bin/sh\necho "$@" >> {machine.folder}/lines\nexec /usr/bin/curl "$@"\n')
    curl.chmod(0o755)

    machine.looks()

    lines = (machine.folder / "lines").read_text()
    assert "--config" in lines or "-K" in lines
    assert SECRET not in lines


def test_machines_do_not_all_look_at_the_same_second() -> None:
    script = templating.template_path("user-data/machine.sh").read_text()

    (delay,) = re.findall(r"^RandomizedDelaySec=(\d+)$", script, re.MULTILINE)
    assert 30 <= int(delay) < 60
