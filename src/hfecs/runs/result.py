"""The result of a run, read from the bucket, where anybody may have written it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from hfecs.errors import WorkflowFailed

# Old files have a job's arguments in one line.
Words = Annotated[list[str], BeforeValidator(lambda words: [words] if isinstance(words, str) else words)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)


class _Failure(_Part):
    id: str = ""
    name: str = ""
    executable: str = ""
    args: Words = []
    exit_status: int | None = 1
    stdout: str | None = None
    stderr: str | None = None
    exceptions: list[str] | None = None
    attempts: int | None = 1
    never_ran: int = 0


class _Result(_Part):
    status: str
    attempt: int = 1
    jobs: int = 0
    done: int = 0
    never_ran: int = 0
    failed: list[_Failure] = []
    error: str = "the engine gave no reason"


def read(content: bytes, run: str) -> dict[str, Any]:
    """The result with everything that is shown of it; WorkflowFailed if it is invalid."""
    try:
        return _Result.model_validate_json(content).model_dump()
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in fault["loc"]) or "the file"
        raise WorkflowFailed(
            f"The result of run {run} cannot be read: {place}: {fault['msg']}.",
            "hfecs logs runner shows the engine's output; the run's outputs are in the bucket",
        ) from None
