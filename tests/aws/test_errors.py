from __future__ import annotations

import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError

from hfecs.aws.errors import HINTS, explain, ignoring, matches
from hfecs.errors import AwsFailed, HfecsError, Misused


def refusal(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreateRole")


def test_a_code_matches_alone_or_with_a_part_of_its_message() -> None:
    error = refusal("ValidationError", "Invalid IAM Instance Profile name")

    assert matches(error, "Other", "ValidationError")
    assert matches(error, "ValidationError: invalid iam instance profile")
    assert not matches(error, "ValidationError: not found")
    assert not matches(error)


def test_an_error_that_is_not_of_aws_matches_nothing() -> None:
    assert not matches(KeyError("ValidationError"), "ValidationError", "")


def test_an_expected_answer_is_passed_over_and_another_is_not() -> None:
    with ignoring("Gone"):
        raise refusal("Gone")

    with pytest.raises(ClientError), ignoring("Gone"):
        raise refusal("AccessDenied")


def test_an_answer_of_aws_becomes_a_sentence() -> None:
    error = explain(refusal("EntityAlreadyExists", " Role exists. "), doing="role worker")

    assert isinstance(error, AwsFailed)
    assert error.message == "role worker: AWS answered CreateRole with EntityAlreadyExists: Role exists."
    assert (error.code, error.exit_code) == ("EntityAlreadyExists", 1)


def test_an_answer_without_words_says_so() -> None:
    error = explain(refusal("Odd", ""))

    assert error
    assert error.message == "AWS answered CreateRole with Odd: no reason given"


@pytest.mark.parametrize("code", HINTS)
def test_a_known_code_comes_with_the_way_out(code: str) -> None:
    error = explain(refusal(code))

    assert error
    assert error.hint == HINTS[code]


@pytest.mark.parametrize(
    "error",
    [
        boto.NoCredentialsError(),
        boto.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
        boto.ProfileNotFound(profile="none"),
        boto.NoRegionError(),
    ],
)
def test_what_is_not_set_up_is_misused_and_names_the_local_cloud(error: Exception) -> None:
    told = explain(error)

    assert isinstance(told, Misused)
    assert "hfecs --local" in told.hint


def test_a_missing_profile_is_named() -> None:
    told = explain(boto.ProfileNotFound(profile="nobody"))

    assert told
    assert "nobody" in told.message


@pytest.mark.parametrize(
    "error",
    [
        boto.EndpointConnectionError(endpoint_url="https://ecs.example"),
        boto.ConnectTimeoutError(endpoint_url="https://ecs.example"),
        boto.ReadTimeoutError(endpoint_url="https://ecs.example"),
    ],
)
def test_a_lost_connection_asks_whether_the_machine_is_online(error: Exception) -> None:
    told = explain(error)

    assert isinstance(told, AwsFailed)
    assert "https://ecs.example" in told.message
    assert "online" in told.hint


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
def test_an_expired_login_says_that_the_command_goes_on_where_it_stopped(code: str) -> None:
    told = explain(refusal(code))

    assert told
    assert "goes on where it stopped" in told.hint


def test_a_bug_is_not_explained() -> None:
    assert explain(KeyError("x")) is None
    assert explain(HfecsError("told already")) is None
