"""Credentials that cannot be fetched, by botocore's own providers from real files and programs."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from hfecs.aws.clients import Cloud
from hfecs.errors import CredentialsInvalid
from hfecs.explained import exit_code, explained
from hfecs.parallel import together

KEYS = {"Version": 1, "AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": "secret"}
MFA = """\
role_arn = arn:aws:iam::123456789012:role/x
source_profile = base
mfa_serial = arn:aws:iam::123456789012:mfa/me
[profile base]
aws_access_key_id = AKIAEXAMPLE
aws_secret_access_key = secret
"""
LOOP = """\
role_arn = arn:aws:iam::123456789012:role/x
source_profile = other
[profile other]
role_arn = arn:aws:iam::123456789012:role/y
source_profile = mine
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without credentials but those of its config."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


def cloud_of(home: Path, profile: str) -> Cloud:
    """A cloud whose profile has these lines; nobody answers at its endpoint."""
    (home / "config").write_text(f"[profile mine]\n{profile}\n")
    return Cloud(region="us-east-1", profile="mine", endpoint_url="http://127.0.0.1:1")


def process(home: Path, script: str) -> str:
    """A credential_process that notes each start."""
    path = home / "process.sh"
    path.write_text(f"echo start >> {home}/starts\n{script}\n")
    return f"credential_process = sh {path}"


def ask(cloud: Cloud, service: str) -> None:
    """Call AWS, which nobody answers."""
    calls = {"sts": "get_caller_identity", "ec2": "describe_vpcs", "ecs": "list_clusters"}
    getattr(cloud.client(service), calls[service])()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo not json", "Expecting value"),
        ("echo '[]'", ""),
        ("echo '{}'", "Unsupported version"),
        ("printf '\\377\\376'", ""),
        ("echo please log in >&2; exit 3", "please log in"),
        (f"echo '{json.dumps(KEYS | {'Expiration': 'soon'})}'", "soon"),
        (f"echo '{json.dumps(KEYS | {'Expiration': '2020-01-01T00:00:00Z'})}'", "still expired"),
        (f"echo '{json.dumps({'Version': 1})}'", ""),
    ],
)
def test_a_program_that_gives_no_credentials_is_one_sentence_and_runs_once(home: Path, script: str, words: str) -> None:
    cloud = cloud_of(home, process(home, script))

    with pytest.raises(ExceptionGroup) as raised:
        together(*[partial(ask, cloud, service) for service in ("sts", "ec2", "ecs", "sts")])

    (error,) = explained(raised.value)
    assert isinstance(error, CredentialsInvalid)
    assert exit_code([error]) == 2
    assert words in error.message
    assert "aws sso login" in error.hint
    assert len((home / "starts").read_text().splitlines()) <= 2


@pytest.mark.parametrize(
    "profile",
    [
        "credential_process = /nowhere/at/all",
        'credential_process = sh -c "unclosed',
        "role_arn = arn:aws:iam::123456789012:role/x\nweb_identity_token_file = /nowhere/token",
        "sso_session = my\nsso_account_id = 1\nsso_role_name = r\n"
        "[sso-session my]\nsso_region = us-east-1\nsso_start_url = https://x.awsapps.com/start",
    ],
)
def test_what_a_profile_names_and_is_not_there_is_a_sentence(home: Path, profile: str) -> None:
    cloud = cloud_of(home, profile)

    with pytest.raises(Exception) as raised:
        cloud.sts.get_caller_identity()

    (error,) = explained(raised.value)
    assert isinstance(error, CredentialsInvalid)


def test_a_profile_that_asks_for_a_code_says_that_there_is_no_terminal(home: Path) -> None:
    cloud = cloud_of(home, MFA)

    with pytest.raises(ExceptionGroup) as raised:
        together(*[partial(ask, cloud, "sts")] * 4)

    (error,) = explained(raised.value)
    assert error.message == "Profile mine needs the code of an MFA device, and there is no terminal to type it."
    assert "AWS_SESSION_TOKEN" in error.hint
    assert error.exit_code == 2


def test_profiles_that_lead_to_each_other_are_said_once(home: Path) -> None:
    cloud = cloud_of(home, LOOP)

    with pytest.raises(ExceptionGroup) as raised:
        together(*[partial(ask, cloud, service) for service in ("sts", "ec2")])

    (error,) = explained(raised.value)
    assert "Infinite loop" in error.message
    assert error.exit_code == 2


def test_a_program_that_gave_credentials_once_is_asked_again_after_a_failure(home: Path) -> None:
    soon = f"echo '{json.dumps(KEYS | {'Expiration': '2020-01-01T00:00:00Z'})}'"
    late = f"echo '{json.dumps(KEYS | {'Expiration': '2099-01-01T00:00:00Z'})}'"
    cloud = cloud_of(home, process(home, late))
    credentials = cloud._session.get_credentials()
    assert credentials.get_frozen_credentials().access_key == "AKIAEXAMPLE"

    (home / "process.sh").write_text(soon)
    credentials._credentials._expiry_time = credentials._credentials._time_fetcher()
    with pytest.raises(CredentialsInvalid):
        credentials.get_frozen_credentials()
    (home / "process.sh").write_text(late)

    assert credentials.get_frozen_credentials().access_key == "AKIAEXAMPLE"
