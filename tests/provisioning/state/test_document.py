from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hfecs.errors import Failed, Locked, StateInvalid
from hfecs.provisioning.state import Record, State, locked

HOLD = """
import sys
from pathlib import Path
from hfecs.provisioning.state import locked
with locked(Path(sys.argv[1]), "cluster up"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def limit_of_file_size(size: int) -> Iterator[None]:
    """Let no file grow longer than `size` bytes."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def reloaded(state: State) -> State:
    return State.load(state.path)


def document(path: Path) -> Any:
    return json.loads(path.read_text())


def test_a_record_is_on_disk_at_once(state: State) -> None:
    state.of("hyperflow").record("cluster", Record("role", "machine", "arn:1"))

    (record,) = reloaded(state).of("hyperflow").records("cluster")
    assert (record.kind, record.name, record.id) == ("role", "machine", "arn:1")
    assert record.created.endswith("+00:00")


def test_a_new_file_is_written_with_its_first_record_and_not_before(state: State) -> None:
    assert not state.path.exists()

    state.of("hyperflow").record("cluster", Record("role", "machine", "arn:1"))

    assert document(state.path)["version"] == 2


def test_records_come_oldest_first_and_by_stack(state: State) -> None:
    state.of("hyperflow").record("cluster", Record("role", "machine", "1"))
    state.of("hyperflow").record("run", Record("task", "engine", "2"))
    state.of("hyperflow").record("cluster", Record("role", "worker", "3"))

    assert [record.id for record in state.of("hyperflow").records("cluster")] == ["1", "3"]
    assert state.of("hyperflow").stacks() == ["cluster", "run"]


def test_a_record_replaces_the_one_of_its_kind_and_name(state: State) -> None:
    state.of("hyperflow").record("cluster", Record("role", "machine", "old"))
    state.of("hyperflow").record("cluster", Record("instance", "machine", "another kind"))

    state.of("hyperflow").record("cluster", Record("role", "machine", "new"))

    assert [record.id for record in state.of("hyperflow").records("cluster")] == ["another kind", "new"]


def test_a_forgotten_record_is_gone_and_its_name_has_a_new_generation(state: State) -> None:
    state.of("hyperflow").record("cluster", Record("role", "machine", "1"))
    assert state.of("hyperflow").generation("cluster", "role", "machine") == 0

    state.of("hyperflow").forget("cluster", Record("role", "machine", "1"))

    assert reloaded(state).of("hyperflow").records("cluster") == []
    assert reloaded(state).of("hyperflow").stacks() == []
    assert reloaded(state).of("hyperflow").generation("cluster", "role", "machine") == 1
    assert reloaded(state).of("hyperflow").generation("cluster", "role", "worker") == 0


def test_the_lineage_stays_for_life_and_differs_between_files(state: State, tmp_path: Path) -> None:
    state.of("hyperflow").record("cluster", Record("role", "machine", "1"))

    assert reloaded(state).lineage == state.lineage
    assert State.load(tmp_path / "another").lineage != state.lineage


def test_the_serial_grows_with_every_change(state: State) -> None:
    state.of("hyperflow").record("cluster", Record("role", "machine", "1"))
    first = document(state.path)["serial"]

    state.of("hyperflow").output("cluster", image_id="ami-1")

    assert document(state.path)["serial"] == first + 1


def test_outputs_are_kept_and_added_to(state: State) -> None:
    state.of("hyperflow").output("run", bucket="b", run="1")
    state.of("hyperflow").output("run", run="2")

    assert reloaded(state).of("hyperflow").outputs("run") == {"bucket": "b", "run": "2"}


def test_only_its_owner_can_read_the_file(state: State) -> None:
    state.of("hyperflow").record("cluster", Record("role", "machine", "1"))

    assert state.path.stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_the_old_file_whole(state: State) -> None:
    state.of("hyperflow").record("cluster", Record("role", "machine", "1"))

    with pytest.raises(TypeError):
        state.of("hyperflow").output("cluster", image=object())

    assert [record.id for record in reloaded(state).of("hyperflow").records("cluster")] == ["1"]


def test_a_write_leaves_no_other_file(state: State) -> None:
    state.of("hyperflow").record("cluster", Record("role", "machine", "1"))
    state.of("hyperflow").record("cluster", Record("role", "worker", "2"))

    assert list(state.path.parent.iterdir()) == [state.path]


def test_records_of_many_threads_are_all_kept(state: State) -> None:
    threads = [
        threading.Thread(target=state.of("hyperflow").record, args=("cluster", Record("role", f"role-{number}", "1")))
        for number in range(20)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(reloaded(state).of("hyperflow").records("cluster")) == 20


def test_a_file_stays_with_its_account_and_region(state: State) -> None:
    state.belongs_to("111", "us-east-1")
    state.of("hyperflow").record("cluster", Record("role", "machine", "1"))

    reloaded(state).belongs_to("111", "us-east-1")
    with pytest.raises(StateInvalid, match="belongs to account 111, but this command works on 222"):
        reloaded(state).belongs_to("222", "us-east-1")
    with pytest.raises(StateInvalid, match="belongs to region us-east-1, but this command works on eu-west-1"):
        reloaded(state).belongs_to("111", "eu-west-1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[]",
        "{}",
        '{"version": "1"}',
        '{"version": 1}',
        '{"version": 1, "lineage": "a", "serial": 1, "stacks": []}',
        '{"version": 1, "lineage": "a", "serial": 1, "stacks": {"cluster": {}}}',
        '{"version": 1, "lineage": "a", "serial": 1, "stacks": {"cluster": {"resources": [{"kind": "role"}]}}}',
        '{"version": 1, "lineage": null, "serial": 1, "stacks": {}}',
        '{"version": true, "lineage": "a", "serial": 1, "stacks": {}}',
        '{"version": 0, "lineage": "a", "serial": 1, "stacks": {}}',
        '{"version": 1, "lineage": "a", "serial": 1, "region": ["us-east-1"], "stacks": {}}',
        '{"version": 1, "lineage": "a", "serial": 1, "stacks": {"cluster": {"resources": [], "outputs": []}}}',
        '{"version": 1, "lineage": "a", "serial": 1, "stacks": {"c": {"resources": [], "generations": {"a": "1"}}}}',
        '{"version": 1, "lineage": "a", "serial": 1, "stacks": {"c": {"resources": [{"kind": 1, "name": 2, "id": 3, '
        '"created": 4}]}}}',
        "[" * 100_000,
    ],
)
def test_a_damaged_file_is_refused_with_the_way_out(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)

    with pytest.raises(StateInvalid, match=r"state\.json") as raised:
        State.load(path)

    assert "move the file away" in raised.value.hint


def test_a_truncated_file_is_refused_wherever_it_ends(state: State) -> None:
    state.of("hyperflow").record("cluster", Record("role", "machine", "1"))
    whole = state.path.read_text().rstrip()

    for length in range(0, len(whole), 7):
        state.path.write_text(whole[:length])
        with pytest.raises(StateInvalid):
            reloaded(state)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(StateInvalid, match="cannot be read"):
        State.load(path)


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text('{"version": 3, "lineage": "a", "serial": 1, "clusters": {}}')

    with pytest.raises(StateInvalid, match="newer hfecs") as raised:
        State.load(path)

    assert raised.value.hint == "upgrade hfecs"


def test_a_lock_that_another_process_holds_says_who_and_since_when(tmp_path: Path) -> None:
    path = tmp_path / "hfecs.state.json"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()

        words = rf"hfecs\.state\.json is locked by 'hfecs cluster up' of \S+@\S+ \(process {holder.pid}\) since 2"
        with pytest.raises(Locked, match=words), locked(path, "destroy"):
            pass
        holder.kill()

    with locked(path, "destroy"):
        pass


def test_whoever_gets_the_lock_sees_what_was_written_since_it_has_read(state: State) -> None:
    late = reloaded(state)
    with state.locked("cluster up"):
        state.of("hyperflow").record("cluster", Record("role", "machine", "1"))

    with late.locked("monitoring up"):
        late.of("hyperflow").record("monitoring", Record("role", "monitoring", "2"))

    assert [record.name for record in reloaded(state).of("hyperflow").records("cluster")] == ["machine"]
    assert late.lineage == state.lineage


def test_a_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locked(tmp_path / "state", "up"):
        raise KeyError

    with locked(tmp_path / "state", "destroy"):
        pass


def test_a_lock_makes_the_folder_of_the_file(tmp_path: Path) -> None:
    with locked(tmp_path / "new" / "state", "up"):
        pass

    assert (tmp_path / "new").is_dir()


def test_a_directory_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateInvalid, match="cannot be read: Is a directory") as raised:
        State.load(tmp_path)

    assert "--state" in raised.value.hint


def test_a_full_disk_is_told_and_leaves_the_old_file_alone(state: State) -> None:
    state.of("hyperflow").record("cluster", Record("role", "machine", "1"))
    before = state.path.read_bytes()

    with limit_of_file_size(10), pytest.raises(Failed, match="cannot be written: File too large") as raised:
        state.of("hyperflow").record("cluster", Record("role", "worker", "2"))

    assert "run the same command again" in raised.value.hint
    assert state.path.read_bytes() == before
    assert list(state.path.parent.iterdir()) == [state.path]


def test_each_cluster_has_records_of_its_own(state: State) -> None:
    state.of("a").record("cluster", Record("instance", "master", "i-a"))
    state.of("b").record("cluster", Record("instance", "master", "i-b"))

    late = reloaded(state)
    assert late.clusters() == ["a", "b"]
    assert [record.id for record in late.of("a").records("cluster")] == ["i-a"]
    assert [record.id for record in late.of("b").records("cluster")] == ["i-b"]


def test_a_cluster_of_which_nothing_is_left_is_none_but_its_generations_stay(state: State) -> None:
    state.of("a").record("cluster", Record("instance", "master", "i-a"))
    state.of("a").forget("cluster", Record("instance", "master", "i-a"))

    assert reloaded(state).clusters() == []
    assert reloaded(state).of("a").generation("cluster", "instance", "master") == 1


def test_looking_at_a_cluster_does_not_write_it_down(state: State) -> None:
    state.of("a").record("cluster", Record("instance", "master", "i-a"))

    assert state.of("b").records("cluster") == []
    state.of("a").output("cluster", image_id="ami-1")

    assert list(document(state.path)["clusters"]) == ["a"]


OLD = [
    {"kind": "ecs-cluster", "name": "cluster", "id": "hfecs-my-own-cluster"},
    {"kind": "log-group", "name": "logs", "id": "/hfecs/my-own"},
    {"kind": "log-group", "name": "logs", "id": "/hfecs/my-own/monitoring"},
    {"kind": "secret-parameter", "name": "broker-password", "id": "/hfecs/my-own/broker-password"},
    {"kind": "role", "name": "machine", "id": "arn:aws:iam::1:role/hfecs/my-own/hfecs-my-own-us-east-1-machine"},
]


def old(path: Path, resources: list[dict[str, str]]) -> State:
    """The state that an hfecs wrote which knew one cluster a file, and not its name."""
    records = [{"created": "2026-01-01T00:00:00+00:00"} | record for record in resources]
    stack = {"resources": records, "generations": {"instance/master": 1}, "outputs": {"image_id": "ami-1"}}
    path.write_text(json.dumps({"version": 1, "lineage": "a", "serial": 1, "stacks": {"cluster": stack}}))
    return State.load(path)


@pytest.mark.parametrize("named", OLD, ids=lambda record: str(record["id"]))
def test_an_old_file_is_of_the_cluster_that_its_names_tell(tmp_path: Path, named: dict[str, str]) -> None:
    state = old(tmp_path / "old.json", [{"kind": "instance", "name": "master", "id": "i-1"}, named])

    assert state.clusters() == ["my-own"]
    assert [record.id for record in state.of("my-own").records("cluster")] == ["i-1", named["id"]]
    assert state.of("my-own").generation("cluster", "instance", "master") == 1
    assert state.of("my-own").outputs("cluster") == {"image_id": "ami-1"}


def test_an_old_file_without_names_is_of_the_cluster_that_nobody_named(tmp_path: Path) -> None:
    state = old(tmp_path / "old.json", [{"kind": "instance", "name": "master", "id": "i-1"}])

    assert state.clusters() == ["hyperflow"]


def test_an_old_file_in_which_a_second_cluster_was_begun_has_both(tmp_path: Path) -> None:
    state = old(tmp_path / "old.json", [OLD[0], {"kind": "log-group", "name": "logs", "id": "/hfecs/b"}])

    assert state.clusters() == ["b", "my-own"]
    assert [record.kind for record in state.of("b").records("cluster")] == ["log-group"]


def test_an_old_file_is_written_as_one_of_today(tmp_path: Path) -> None:
    state = old(tmp_path / "old.json", OLD)

    state.of("my-own").record("cluster", Record("role", "worker", "1"))

    written = document(state.path)
    assert written["version"] == 2
    assert "stacks" not in written
    assert len(reloaded(state).of("my-own").records("cluster")) == len(OLD) + 1


def test_what_an_old_file_recorded_and_nobody_deletes_by_itself_any_more_is_left_out(tmp_path: Path) -> None:
    state = old(tmp_path / "old.json", [OLD[0], {"kind": "role-policy", "name": "b", "id": "hfecs-x/hfecs-run-b"}])

    assert [record.kind for record in state.of("my-own").records("cluster")] == ["ecs-cluster"]
