from __future__ import annotations

import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from hfecs.aws.errors import HINTS, REJECTED, expected_errors, explain, ignoring, matches, passable, plain
from hfecs.errors import AwsFailed, CredentialsInvalid, HfecsError, Misused


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


def expected_client_error(error: dict[str, object]) -> ClientError:
    return ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 404}}, "GetObject")  # type: ignore[typeddict-item]


NO_WORDS = [{"Message": None}, {"Message": ""}, {}]
CODES = sorted({*HINTS, *(code.partition(": ")[0] for codes, _, _ in REJECTED for code in codes), "NoSuchBucket"})


@pytest.mark.parametrize("words", NO_WORDS, ids=["null", "empty", "absent"])
@pytest.mark.parametrize("code", CODES)
def test_an_error_of_aws_without_a_message_is_matched_and_explained(code: str, words: dict[str, object]) -> None:
    error = expected_client_error({"Code": code, **words})

    known = explain(error, doing="bucket b")

    assert matches(error, code)
    assert not matches(error, f"{code}: some words")
    assert known
    assert code in known.message
    assert "no reason given" in known.message


@pytest.mark.parametrize("words", [None, "", "absent"])
def test_each_expected_error_may_come_without_a_message(words: str | None) -> None:
    for kind in expected_errors():
        error = kind.__new__(kind)
        Exception.__init__(error, *([] if words == "absent" else [words]))
        if kind is ClientError:
            error.operation_name = "GetObject"  # type: ignore[attr-defined]
            error.response = {"Error": {} if words == "absent" else {"Message": words}}  # type: ignore[attr-defined]

        assert not matches(error, "NoSuchBucket")
        assert isinstance(error, HfecsError) or explain(error)


@pytest.mark.parametrize("response", [{}, {"Error": None}, {"Error": {"Code": None, "Message": None}}])
def test_an_answer_without_an_error_in_it_is_explained(response: dict[str, object]) -> None:
    error = ClientError({}, "GetObject")
    error.response = response  # type: ignore[assignment]

    known = explain(error)

    assert known
    assert known.message == "AWS answered GetObject with an error without a code: no reason given"


PAGE = "<!DOCTYPE html>\n<html><head><title>502\nBad Gateway</title></head><body>\n<h1>x</h1></body></html>"


def test_of_a_web_page_the_title_is_told() -> None:
    known = explain(refusal("502", PAGE))

    assert known
    assert known.message == 'AWS answered CreateRole with 502: a web page, "502 Bad Gateway"'
    assert plain("<html><body><p>Log in &amp; go</p></body></html>") == 'a web page, "Log in & go"'
    assert plain("<html></html>") == "a web page without text"
    assert plain(" a <b> in text ") == "a <b> in text"


def test_an_answer_that_cannot_be_read_points_to_a_proxy() -> None:
    known = explain(ResponseParserError(f"Unable to parse response, invalid XML received:\n{PAGE.encode()!r}"))

    assert known
    assert known.message == 'The answer cannot be read: a web page, "502\\nBad Gateway"'
    assert "proxy" in known.hint


LATE = "Signature expired: 20261130T154623Z is now earlier than 20261130T163344Z (20261130T164844Z - 15 min.)"


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("SignatureDoesNotMatch", LATE, "set the clock"),
        ("InvalidSignatureException", LATE, "set the clock"),
        ("InvalidSignatureException", "Signature not yet current: 2026 is still later than 2025", "set the clock"),
        ("RequestTimeTooSkewed", "The difference is too large.", "set the clock"),
        ("RequestExpired", "Request has expired.", "set the clock"),
        ("RequestExpired", "Request has expired.", "log in again"),
        ("ExpiredToken", "The provided token has expired.", "log in again"),
        ("SignatureDoesNotMatch", "The request signature we calculated does not match", "check the access key"),
        ("InvalidAccessKeyId", "The key does not exist in our records.", "check the access key"),
        ("AuthFailure", "AWS was not able to validate the provided access credentials", "check the access key"),
    ],
)
def test_credentials_that_aws_refuses_are_misuse_with_a_way_out(code: str, message: str, hint: str) -> None:
    known = explain(refusal(code, message), doing="role worker")

    assert isinstance(known, CredentialsInvalid)
    assert known.exit_code == 2
    assert hint in known.hint


def test_a_machine_image_that_may_not_be_used_is_not_a_matter_of_credentials() -> None:
    assert isinstance(explain(refusal("AuthFailure", "Not authorized for images: [ami-1]")), AwsFailed)


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (boto.UnauthorizedSSOTokenError(), "aws sso login"),
        (boto.SSOTokenLoadError(error_msg="Token for https://x does not exist"), "aws sso login"),
        (boto.TokenRetrievalError(provider="sso", error_msg="Token has expired and refresh failed"), "aws sso login"),
        (boto.CredentialRetrievalError(provider="custom-process", error_msg="exit 1\n"), "credential_process"),
        (boto.RefreshWithMFAUnsupportedError(), "log in again"),
    ],
)
def test_a_login_that_has_ended_is_misuse_with_a_way_out(error: Exception, hint: str) -> None:
    known = explain(error)

    assert isinstance(known, CredentialsInvalid)
    assert hint in known.hint


def test_credentials_make_the_rest_pointless_and_a_missing_permission_does_not() -> None:
    assert passable(refusal("AccessDenied"))
    assert passable(ExceptionGroup("", [refusal("AccessDenied"), boto.EndpointConnectionError(endpoint_url="x")]))
    assert not passable(ExceptionGroup("", [refusal("AccessDenied"), refusal("ExpiredToken")]))
    assert not passable(KeyError("a bug"))
