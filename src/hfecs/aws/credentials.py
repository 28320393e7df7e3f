"""Credentials: whatever goes wrong while botocore fetches them is said in one sentence.

botocore's providers run programs, read files and ask for codes, and pass on whatever these raise: EOFError where a code
is asked for without a terminal, ValueError for output that is no JSON or a date that is none, RuntimeError for
credentials that have expired when they arrive.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from getpass import getpass
from pathlib import Path
from threading import RLock
from typing import Any

from hfecs.aws.errors import expected_errors
from hfecs.errors import CredentialsInvalid

COMPONENT = "credential_provider"
CORRECT = "correct this profile in ~/.aws/config (credential_process, role_arn, files), or log in again (aws sso login)"
TYPE_CODE = (
    "run it in a terminal; or get a session there (aws sts get-session-token or assume-role with the code) and set "
    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
)


class ExplainedProvider:
    """Stands before a session's own credential provider."""

    def __init__(self, provider: Any, profile: str) -> None:
        self._provider = provider
        self._profile = profile
        self._failure: Exception | None = None
        self._has_worked = False
        self._first = RLock()

    def load_credentials(self) -> Any:
        """The credentials, or None; CredentialsInvalid if they cannot be fetched."""
        with self.explained():
            credentials = self._provider.load_credentials()
        return credentials and _Explained(credentials, self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn errors that are not botocore's own into CredentialsInvalid.

        What failed before it ever worked is not tried again: no program runs, and no code is asked for, at each call.
        Only answers of AWS, and of a network, may be others the next time.
        """
        with nullcontext() if self._has_worked else self._first:
            if self._failure:
                raise self._failure
            yield from self._explaining()

    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except _of_aws():
            raise
        except Exception as error:  # whatever a program or a file of the user makes botocore raise
            failure = error if isinstance(error, expected_errors()) else self._sentence(error)
            if not self._has_worked:
                self._failure = failure
            if failure is error:
                raise
            raise failure from error

    def worked(self) -> None:
        """Credentials were fetched."""
        self._has_worked = True

    def _sentence(self, error: Exception) -> CredentialsInvalid:
        if isinstance(error, EOFError):
            message = f"Profile {self._profile} needs the code of an MFA device, and there is no terminal to type it."
            return CredentialsInvalid(message, TYPE_CODE, cause="not fetched")
        words = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        return CredentialsInvalid(
            f"No AWS credentials could be fetched for profile {self._profile}: {words}.", CORRECT, cause="not fetched"
        )


class _Explained:
    """botocore's credentials, which may fetch new ones whenever they are read."""

    def __init__(self, credentials: Any, provider: ExplainedProvider) -> None:
        self._credentials = credentials
        self._provider = provider

    def get_frozen_credentials(self) -> Any:
        with self._provider.explained():
            frozen = self._credentials.get_frozen_credentials()
        self._provider.worked()
        return frozen

    def __getattr__(self, name: str) -> Any:
        if name not in {"access_key", "secret_key", "token"}:
            return getattr(self._credentials, name)
        with self._provider.explained():
            return getattr(self._credentials, name)


def _of_aws() -> tuple[type[Exception], ...]:
    from botocore.exceptions import ClientError, HTTPClientError

    return ClientError, HTTPClientError


def ask(prompt: str) -> str:
    """Ask for a code at the terminal; EOFError if there is none, without getpass's warnings about it."""
    if not sys.stdin.isatty():
        try:
            with Path("/dev/tty").open("rb"):
                pass
        except OSError:
            raise EOFError(prompt) from None
    return getpass(prompt)


def explain_of(session: Any) -> None:
    """Have a boto3 session explain what goes wrong with its credentials."""
    from botocore.exceptions import UnknownCredentialError

    core = session._session
    with suppress(UnknownCredentialError):
        core.get_component(COMPONENT).get_provider("assume-role")._prompter = ask
    core.register_component(COMPONENT, ExplainedProvider(core.get_component(COMPONENT), session.profile_name))
