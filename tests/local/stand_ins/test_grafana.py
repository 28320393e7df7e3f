from __future__ import annotations

import os
import socket
import subprocess
import sys
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from ..conftest import until

# No connection begins here, and no local cloud has it: a port that is free stays so.
ADDRESS = "127.15.0.3"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind((ADDRESS, 0))
        return int(listener.getsockname()[1])


def says(port: int) -> str:
    """What is answered, once there is an answer."""
    try:
        urlopen(f"http://{ADDRESS}:{port}/api/health", timeout=5)
    except HTTPError as answer:
        assert answer.code == 503
        return answer.read().decode()
    except URLError:
        return ""
    pytest.fail("it claims to be well")


def test_a_browser_is_told_that_grafana_does_not_run_here_until_the_container_is_stopped() -> None:
    port = free_port()
    environment = {**os.environ, "HFECS_ADDRESS": ADDRESS, "HFECS_PORTS": f"3000:{port}"}
    process = subprocess.Popen([sys.executable, "-m", "hfecs.local.stand_ins.grafana"], env=environment, stdout=-3)
    try:
        until(lambda: says(port), seconds=10)

        assert "Grafana does not run on the local cloud" in says(port)
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
