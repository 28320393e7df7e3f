"""An InfluxDB that never answers, beside real jobs of a real broker."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator

import pytest

from end_to_end.sites import Site, chain

pytestmark = pytest.mark.end_to_end

# One answer that was waited for would be 5 s, and the three jobs have 21 points.
LONGEST_SECONDS = 60.0


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """An InfluxDB that lets connections wait and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LONGEST_SECONDS)
        yield listener


def test_a_database_that_never_answers_neither_fails_nor_holds_up_jobs_or_agents(
    site: Site, silent: socket.socket
) -> None:
    url = f"http://127.0.0.1:{silent.getsockname()[1]}/hyperflow_tests"
    site.upload(chain("cat file_0 > file_1", "cat file_1 > file_2", "cat file_2 > file_3"), file_0="light")

    with site.executor(INFLUXDB_URL=url) as executor, site.engine("quick", INFLUXDB_URL=url) as engine:
        assert engine.wait(LONGEST_SECONDS) == 0
        executor.send_signal(signal.SIGTERM)
        assert executor.wait(LONGEST_SECONDS) == 0

    assert site.read("input/file_3") == "light"
    with silent.accept()[0] as connection:
        assert connection.recv(100).startswith(b"POST /write?db=hyperflow_tests")
