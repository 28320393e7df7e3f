"""Inputs that are kept on the machine."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agents.conftest import BUCKET
from hfecs.agents.common.object_store import ObjectStore
from hfecs.agents.worker.cache import Cache
from hfecs.agents.worker.stages import S3Storage
from hfecs.errors import AwsFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Source:
    """Where downloads come from: counts them."""

    def __init__(self, text: str = "stars") -> None:
        self.text = text
        self.downloads = 0

    def __call__(self, target: Path) -> None:
        self.downloads += 1
        target.write_text(self.text)

    @property
    def size(self) -> int:
        return len(self.text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def get(folder: Path, tmp_path: Path) -> Callable[..., str]:
    """Fetch a file over a cache of 100 bytes that is opened anew, as by another worker; its content."""

    def fetch(name: str, source: Source, target: str = "target") -> str:
        Cache(folder, 100).fetch(name, source.size, tmp_path / target, source)
        return (tmp_path / target).read_text()

    return fetch


def kept(folder: Path) -> int:
    """The bytes that a cache holds."""
    return sum(path.stat().st_size for path in folder.glob("*.kept"))


def test_a_file_is_downloaded_once_for_all_workers_of_the_machine(get: Callable[..., str]) -> None:
    source = Source()

    contents = {get("b/a/1", source) for _ in range(3)}

    assert (contents, source.downloads) == ({"stars"}, 1)


def test_another_version_is_another_file(get: Callable[..., str]) -> None:
    get("b/a/1", Source("old"))

    assert get("b/a/2", Source("new")) == "new"


def test_a_job_that_changes_its_input_does_not_spoil_that_of_the_next(get: Callable[..., str], tmp_path: Path) -> None:
    get("b/a/1", Source())
    with (tmp_path / "target").open("r+") as file:
        file.write("S")

    assert get("b/a/1", Source(), "another") == "stars"


def test_a_download_that_fails_leaves_nothing_and_the_next_one_tries_again(
    get: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    def fail(target: Path) -> None:
        target.write_text("sta")
        raise AwsFailed("no")

    with pytest.raises(AwsFailed):
        Cache(folder, 100).fetch("b/a/1", 5, tmp_path / "target", fail)

    assert list(folder.glob("*.part")) == []
    assert get("b/a/1", Source()) == "stars"


def test_the_least_recently_used_files_make_room(get: Callable[..., str], folder: Path) -> None:
    sources = {name: Source(name * 40) for name in "abc"}
    for age, name in ((200, "a"), (100, "b")):
        get(name, sources[name])
        newest = max(folder.glob("*.kept"), key=lambda path: path.stat().st_mtime)
        os.utime(newest, (time.time() - age,) * 2)
    get("a", sources["a"])

    get("c", sources["c"])

    assert kept(folder) == 80
    assert [get(name, sources[name]) and sources[name].downloads for name in "acb"] == [1, 1, 2]


def test_a_file_larger_than_the_whole_cache_is_fetched_past_it(get: Callable[..., str], folder: Path) -> None:
    get("small", Source())

    assert get("large", Source("x" * 101)) == "x" * 101
    assert kept(folder) == 5


def test_downloads_on_their_way_count_so_that_the_bound_is_never_passed(
    get: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    got: list[str] = []

    def download(target: Path) -> None:
        got.append(get("other", Source("o" * 60), "other"))
        target.write_text("l" * 60)

    Cache(folder, 100).fetch("long", 60, tmp_path / "long", download)

    assert got == ["o" * 60]
    assert kept(folder) == 60


def test_what_a_killed_worker_left_unfinished_goes_after_an_hour(get: Callable[..., str], folder: Path) -> None:
    folder.mkdir()
    abandoned, growing = folder / "0123.90.part", folder / "4567.90.part"
    for part, minutes in {abandoned: 61, growing: 59}.items():
        part.write_text("half")
        os.utime(part, (time.time() - 60 * minutes,) * 2)

    get("b/a/1", Source("x" * 50))

    assert not abandoned.exists()
    assert growing.exists()


def test_of_threads_that_want_a_file_at_the_same_time_one_downloads_and_the_others_wait(
    folder: Path, tmp_path: Path
) -> None:
    begun, source = threading.Barrier(4), Source()

    def fetch(number: int) -> None:
        cache = Cache(folder, 100)
        begun.wait()
        cache.fetch("b/a/1", 5, tmp_path / str(number), source)

    threads = [threading.Thread(target=fetch, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert source.downloads == 1
    assert {(tmp_path / str(number)).read_text() for number in range(4)} == {"stars"}


def fetch_in_a_process(folder: Path, number: int) -> None:
    def download(target: Path) -> None:
        with (folder.parent / "downloads").open("a") as told:
            told.write("one\n")
        target.write_bytes(b"x" * 1_000_000)

    Cache(folder, 2_000_000).fetch("b/a/1", 1_000_000, folder.parent / str(number), download)


def test_of_processes_that_want_a_file_at_the_same_time_one_downloads_and_the_others_wait(
    folder: Path, tmp_path: Path
) -> None:
    start = multiprocessing.get_context("fork").Process
    processes = [start(target=fetch_in_a_process, args=(folder, number)) for number in range(4)]

    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert (tmp_path / "downloads").read_text() == "one\n"
    assert {(tmp_path / str(number)).stat().st_size for number in range(4)} == {1_000_000}


def test_an_object_is_fetched_once_and_again_when_it_has_changed(s3: S3Client, folder: Path, tmp_path: Path) -> None:
    downloads: list[str] = []
    s3.meta.events.register("before-call.s3.GetObject", lambda **_: downloads.append("one"))
    objects = ObjectStore(1)
    objects.__dict__["_client"] = s3
    storage = S3Storage(objects, BUCKET, "input/", Cache(folder, 100))

    read = []
    for content in ("old", "old", "new"):
        s3.put_object(Bucket=BUCKET, Key="input/a", Body=content)
        assert storage.fetch("a", tmp_path / "a") == 3
        read.append((tmp_path / "a").read_text())

    assert read == ["old", "old", "new"]
    assert len(downloads) == 2


def test_an_object_that_changes_between_two_looks_is_looked_at_again(
    s3: S3Client, folder: Path, tmp_path: Path
) -> None:
    def change(**_: object) -> None:
        s3.meta.events.unregister("before-call.s3.GetObject", change)
        s3.put_object(Bucket=BUCKET, Key="input/a", Body="newer")

    objects = ObjectStore(1)
    objects.__dict__["_client"] = s3
    s3.put_object(Bucket=BUCKET, Key="input/a", Body="old")
    s3.meta.events.register("before-call.s3.GetObject", change)

    S3Storage(objects, BUCKET, "input/", Cache(folder, 100)).fetch("a", tmp_path / "a")

    assert (tmp_path / "a").read_text() == "newer"


def test_an_input_that_does_not_exist_is_named(s3: S3Client, folder: Path, tmp_path: Path) -> None:
    storage = S3Storage(ObjectStore(1), BUCKET, "input/", Cache(folder, 100))

    with pytest.raises(AwsFailed, match=r"input/a from the bucket a-bucket failed: no such object"):
        storage.fetch("a", tmp_path / "a")
