from __future__ import annotations

import shutil
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import botocore.session
import pytest
from botocore.loaders import Loader, create_loader

from hfecs import cli
from hfecs.aws.account import IMAGE_PARAMETER
from hfecs.aws.clients import Cloud
from hfecs.blueprints import cluster
from hfecs.provisioning.state import State
from support import KEYS, ME, REGION, configuration, stack_of

CONFIGURATION = f"""
[network]
admin_cidrs = ["{ME}"]
[images]
hfecs = "hfecs:1"
worker = "montage:1"
"""
NOWHERE = "/nonexistent"


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    data: str
    talk: str


Hfecs = Callable[..., Answer]


@pytest.fixture(scope="session")
def server() -> Iterator[Cloud]:
    """A server that stands in for AWS, as seen by the tests."""
    from quick_moto import aws_server

    with aws_server() as address:
        yield Cloud(region=REGION, endpoint_url=address, environment=KEYS)


@pytest.fixture(scope="session")
def shared_loader() -> Loader:
    """boto3's service models, read once for all commands: that takes longer than the commands themselves."""
    return create_loader()


@pytest.fixture
def bare(tmp_path: Path, shared_loader: Loader, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder on a machine where nothing is set."""
    monkeypatch.setattr(botocore.session, "create_loader", lambda _: shared_loader)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", *KEYS):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, NOWHERE)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hfecs.toml").write_text(CONFIGURATION)
    return tmp_path


def emptied(server: Cloud) -> None:
    """Let the server forget everything, and read its parameters now, in one thread."""
    with urllib.request.urlopen(urllib.request.Request(f"{server.endpoint_url}/moto-api/reset", method="POST")):
        pass
    server.ssm.get_parameter(Name=IMAGE_PARAMETER.format(""))


@pytest.fixture
def with_server(bare: Path, server: Cloud, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder on a machine whose AWS is the server."""
    for name, value in {**KEYS, "AWS_REGION": REGION, "AWS_ENDPOINT_URL": str(server.endpoint_url)}.items():
        monkeypatch.setenv(name, value)
    return bare


@pytest.fixture
def project(with_server: Path, server: Cloud, small_moto: None) -> Iterator[Path]:
    """A project folder on a machine whose AWS is an empty server; it is emptied for those who come next, too."""
    emptied(server)
    yield with_server
    emptied(server)


@pytest.fixture
def standing(project: Path, server: Cloud) -> Path:
    """A project whose cluster stands."""
    cluster.up(stack_of(server, State.load(project / "hfecs.state.json")), configuration())
    return project


@pytest.fixture(scope="module")
def lasting_state(server: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state file of a cluster that stands as long as all tests of a module need it."""
    path = tmp_path_factory.mktemp("lasting") / "hfecs.state.json"
    emptied(server)
    cluster.up(stack_of(server, State.load(path)), configuration())
    yield path
    emptied(server)


@pytest.fixture
def lasting(with_server: Path, lasting_state: Path) -> Path:
    """A project whose cluster stands, for tests that leave it as it is."""
    shutil.copy(lasting_state, with_server)
    return with_server


@pytest.fixture
def hfecs(capsys: pytest.CaptureFixture[str]) -> Hfecs:
    """Run a command line as the program does."""

    def run(*arguments: str) -> Answer:
        capsys.readouterr()
        code = cli.main(list(arguments))
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return run
