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
def silent() -> Iterator[str]:
    """The address of an InfluxDB that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hyperflow_tests"


def test_a_database_that_never_answers_neither_fails_nor_holds_up_jobs_or_agents(site: Site, silent: str) -> None:
    site.upload(chain("cat file_0 > file_1", "cat file_1 > file_2", "cat file_2 > file_3"), file_0="light")

    with site.executor(INFLUXDB_URL=silent) as executor, site.engine("quick", INFLUXDB_URL=silent) as engine:
        assert engine.wait(LONGEST_SECONDS) == 0
        executor.send_signal(signal.SIGTERM)
        assert executor.wait(LONGEST_SECONDS) == 0

    assert site.read("input/file_3") == "light"
    assert "cannot write metrics" in site.log("worker")
