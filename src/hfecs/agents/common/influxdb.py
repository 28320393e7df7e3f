"""Send metrics to InfluxDB without ever blocking: when it is slow, points are lost rather than time.

Points go into a bounded queue, from which one thread writes them in batches. While InfluxDB is slow or
unreachable the oldest points are dropped for new ones, and nothing else happens.
"""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import Request, urlopen

from hfecs.agents.common.environment import Environment
from hfecs.agents.common.line_protocol import Point, line
from hfecs.backoff import Backoff
from hfecs.errors import ConfigurationInvalid

log = logging.getLogger(__name__)

MOST_WAITING = 20_000
"""Points in the queue, about 15 MB. A job has seven: nearly 3,000 jobs can end while InfluxDB is unreachable."""

BATCH = 2_000
GATHERING_SECONDS = 1.0
ANSWER_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 60.0
CLOSING_SECONDS = 2.0

LONGEST_REASON = 2_000
"""Bytes of an answer that are read for a reason."""

REFUSED = 400
"""InfluxDB's status codes for points that it will never accept: they are not sent again."""


@dataclass(frozen=True)
class Database:
    """An InfluxDB 1.x database: the server's address, the database's name and the account, if any."""

    server: str
    name: str
    user: str = ""
    password: str = ""

    @classmethod
    def from_environment(cls, environ: Environment) -> Database | None:
        """Read INFLUXDB_URL (http://HOST:PORT/DATABASE), INFLUXDB_USER and INFLUXDB_PASSWORD; None without a URL."""
        url = environ.get("INFLUXDB_URL", "").strip()
        if not url:
            return None
        parts = urlsplit(url)
        name = unquote(parts.path.strip("/"))
        if parts.scheme not in {"http", "https"} or not parts.hostname or not name:
            raise ConfigurationInvalid(
                "INFLUXDB_URL is not a valid URL.", "it looks like http://HOST:8086/hyperflow_tests"
            )
        server = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        user = environ.get("INFLUXDB_USER") or unquote(parts.username or "")
        return cls(server, name, user, environ.get("INFLUXDB_PASSWORD") or unquote(parts.password or ""))

    def write(self, lines: bytes) -> None:
        """Write points in line protocol; OSError or HTTPException if the database did not accept them."""
        query = urlencode({"db": self.name, "precision": "ns"})
        account = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {account}"} if self.user else {}
        with urlopen(Request(f"{self.server}/write?{query}", lines, headers), timeout=ANSWER_SECONDS):
            return


class Metrics:
    """Accepts points from any thread; without a database it drops them."""

    def __init__(
        self,
        database: Database | None,
        *,
        gathering: float = GATHERING_SECONDS,
        ending: threading.Event | None = None,
    ) -> None:
        """Points are collected for this many seconds; `ending` is the wait between two writes."""
        self._database = database
        self._gathering = gathering
        self._waiting: deque[Point] = deque(maxlen=MOST_WAITING)
        self._batch: list[Point] = []
        self._ending = ending or threading.Event()
        self._away = False
        self._refused = ""
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        if database:
            self._thread.start()

    @property
    def wanted(self) -> bool:
        """Whether there is a database for the points."""
        return self._database is not None

    def put(self, *points: Point) -> None:
        """Have points written within about a second; if too many wait, the oldest are lost."""
        if self.wanted:
            self._waiting.extend(points)

    def close(self, within: float = CLOSING_SECONDS) -> None:
        """Write what is left, and give up after this many seconds."""
        self._ending.set()
        if self.wanted:
            self._thread.join(within)

    def _run(self) -> None:
        pauses = Backoff(self._gathering, LONGEST_PAUSE_SECONDS)
        while not self._ending.wait(pauses.next()):
            if self._write_all():
                pauses.reset()
        self._write_all()

    def _write_all(self) -> bool:
        """Write all waiting points, batch by batch; False if the database did not accept a batch, which is kept."""
        while self._batch or self._waiting:
            while self._waiting and len(self._batch) < BATCH:
                self._batch.append(self._waiting.popleft())
            if not self._written():
                return False
            self._batch = []
        return True

    def _written(self) -> bool:
        lines = "\n".join(filter(None, map(line, self._batch))).encode()
        try:
            if self._database and lines:
                self._database.write(lines)
        except (OSError, HTTPException) as error:
            reason = _reason(error)
            if not (isinstance(error, HTTPError) and error.code == REFUSED):
                self._tell(f"cannot write metrics: {reason}", away=True)
                return False
            if reason != self._refused:
                log.warning("InfluxDB refused some of %d points: %s", len(self._batch), reason)
            self._refused = reason
        self._tell("metrics are written again", away=False)
        return True

    def _tell(self, what: str, *, away: bool) -> None:
        """Log once that the database is unreachable, and once that it is back."""
        if away != self._away:
            log.log(logging.WARNING if away else logging.INFO, what)
        self._away = away


def _reason(error: Exception) -> str:
    """What InfluxDB says of its refusal, in the JSON of its answer or as text; otherwise the error itself."""
    if not isinstance(error, HTTPError):
        return str(error)
    try:
        told = error.read(LONGEST_REASON).decode(errors="replace").strip()
    except (OSError, HTTPException):
        return str(error)
    with suppress(ValueError, TypeError, KeyError):
        told = str(json.loads(told)["error"])
    return " ".join(told.split()) or str(error)
