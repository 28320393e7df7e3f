"""What jobs printed, on the engine's machine and in the bucket."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agents.conftest import BUCKET
from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.engine.journal import Journal, JournalKeeper
from hfecs.agents.engine.lines import LinesKeeper
from hfecs.errors import AwsFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "runs/r/output.jsonl.gz"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "output.jsonl"


def keeper(path: Path, bucket: str = BUCKET) -> LinesKeeper:
    return LinesKeeper(path, ObjectStore(1), bucket, KEY)


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def in_bucket(s3: S3Client) -> str:
    return gzip.decompress(s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()).decode()


def test_nothing_printed_leaves_no_object(s3: S3Client, path: Path) -> None:
    keeper(path).keep()

    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix=KEY)


def test_lines_are_kept_as_they_come_up_to_the_last_whole_one(s3: S3Client, path: Path) -> None:
    keeping = keeper(path)
    add(path, '{"job": 1}\n{"job"')
    keeping.keep()
    first = in_bucket(s3)
    add(path, ": 2}\n")

    keeping.keep()

    assert (first, in_bucket(s3)) == ('{"job": 1}\n', '{"job": 1}\n{"job": 2}\n')


def test_nothing_is_sent_twice(s3: S3Client, path: Path) -> None:
    keeping = keeper(path)
    add(path, '{"job": 1}\n')
    keeping.keep()
    s3.delete_object(Bucket=BUCKET, Key=KEY)

    keeping.keep()

    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix=KEY)


def test_a_later_attempt_goes_on_with_the_lines_of_the_earlier_ones(s3: S3Client, path: Path, tmp_path: Path) -> None:
    add(path, '{"job": 1}\n')
    keeper(path).keep()
    later = tmp_path / "later.jsonl"
    keeping = keeper(later)

    keeping.fetch()
    add(later, '{"job": 2}\n')
    keeping.keep()

    assert in_bucket(s3) == later.read_text() == '{"job": 1}\n{"job": 2}\n'


def test_a_run_of_an_earlier_version_has_left_nothing(s3: S3Client, path: Path) -> None:
    keeper(path).fetch()

    assert not path.exists()


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(b'{"job": 1}\n')[:-9], b""])
def test_what_cannot_be_read_is_written_anew(s3: S3Client, path: Path, content: bytes) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=content)
    keeping = keeper(path)

    keeping.fetch()
    add(path, '{"job": 2}\n')
    keeping.keep()

    assert in_bucket(s3) == '{"job": 2}\n'


def test_much_output_stays_out_of_memory(s3: S3Client, path: Path) -> None:
    line = '{"stdout": "' + "x" * 10_000 + '"}\n'
    path.write_text(line * 5000)
    keeping = keeper(path)
    tracemalloc.start()

    keeping.keep()

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000  # of 50 MB, which the client of S3 takes most of


@pytest.mark.refused_by_aws
def test_a_journal_tells_of_nothing_whose_output_is_not_in_the_bucket(s3: S3Client, path: Path, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.log")
    journal.path.write_text('["failed", 1]\n')
    add(path, '{"job": 1}\n')
    keeping = JournalKeeper(journal, ObjectStore(1), BUCKET, "journal.gz", keeper(path, "no-such-bucket").keep)

    with pytest.raises(AwsFailed):
        keeping.keep()

    assert not (tmp_path / "journal.log.saved").exists()
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="journal.gz")
