"""The engine's journal, on its machine and in the bucket."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agents.conftest import BUCKET
from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.engine.journal import Journal, JournalKeeper
from hfecs.errors import AwsFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "runs/r/journal.jsonl.gz"
DONE = ["fired", "1", "2", 1, [{"name": "a", "_id": 0}]]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.log")


def write(journal: Journal, *entries: list[Any]) -> None:
    with journal.path.open("a") as file:
        file.writelines(json.dumps(entry) + "\n" for entry in entries)


def keeper(journal: Journal) -> JournalKeeper:
    return JournalKeeper(journal, ObjectStore(1), BUCKET, KEY)


def in_bucket(s3: S3Client) -> bytes:
    return gzip.decompress(s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read())


def told(journal: Journal) -> str:
    return journal.path.with_name("journal.log.saved").read_text()


def test_done_are_the_processes_that_fired(journal: Journal) -> None:
    write(journal, ["sent", 2], DONE, ["sent", 3], ["failed", 3])

    assert journal.done() == {2}


def test_a_forgotten_process_leaves_no_line(journal: Journal) -> None:
    write(journal, ["replies", "q"], ["sent", 2], DONE, ["sent", 3], ["fired", "1", "4", 1, []])

    journal.forget({2, 4})

    assert journal.path.read_text() == '["replies", "q"]\n["sent", 3]\n'


def test_the_journal_is_kept_up_to_the_last_whole_line_and_the_engine_hears_how_far(
    s3: S3Client, journal: Journal
) -> None:
    write(journal, DONE)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + b'["sent"')

    keeper(journal).keep()

    assert in_bucket(s3) == whole
    assert told(journal) == str(len(whole))


def test_an_empty_journal_is_kept_too(s3: S3Client, journal: Journal) -> None:
    keeper(journal).keep()

    assert in_bucket(s3) == b""


def test_nothing_is_sent_twice(s3: S3Client, journal: Journal) -> None:
    keeping = keeper(journal)
    keeping.keep()
    s3.delete_object(Bucket=BUCKET, Key=KEY)

    keeping.keep()

    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)


def test_the_engine_hears_nothing_of_what_the_bucket_did_not_take(s3: S3Client, journal: Journal) -> None:
    s3.delete_bucket(Bucket=BUCKET)
    write(journal, DONE)

    with pytest.raises(AwsFailed):
        keeper(journal).keep()

    assert not journal.path.with_name("journal.log.saved").exists()


def test_a_later_attempt_begins_with_the_lines_of_the_first(s3: S3Client, journal: Journal, tmp_path: Path) -> None:
    write(journal, DONE)
    keeper(journal).end()
    later = Journal(tmp_path / "later.log")

    keeper(later).fetch()

    assert later.done() == {2}


def test_the_failures_of_this_attempt_are_those_beyond_the_lines_of_the_earlier_ones(journal: Journal) -> None:
    journal.path.write_text('["sent", 1]\n["failed", 1]\n')
    before = journal.length()
    with journal.path.open("a") as file:
        file.write('["sent", 1]\n["sent", 2]\n["failed", 2]\n["failed", 3')

    assert before == 2
    assert journal.failed(after=before) == {2}
    assert journal.failed(after=0) == {1, 2}
