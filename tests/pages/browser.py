"""Chromium without a window, driven over a pipe by its own protocol: https://chromedevtools.github.io/devtools-protocol/."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

SECONDS = 60
SWITCHES = (
    *(
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--remote-debugging-pipe",
        "--no-first-run",
        "--window-size=1280,900",
    ),
    # The browser's own wishes, which are not the page's.
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
)


class Browser:
    """One page of a browser, and what it asked for and complained of since it was opened."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._rest = b""
        self._numbers = count(1)
        self._session: str | None = None
        self.requests: list[str] = []
        self.complaints: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Ask the browser; events that come before its answer are noted."""
        number = next(self._numbers)
        session = {"sessionId": self._session} if self._session else {}
        order = {"id": number, "method": method, "params": parameters, **session}
        os.write(self._write, json.dumps(order).encode() + b"\0")
        while (message := self._next()).get("id") != number:
            self._note(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']}")
        return message["result"]

    def open(self, page: Path) -> None:
        """Open a file and wait until it is loaded."""
        self.requests.clear()
        self.complaints.clear()
        self.call("Page.navigate", url=page.as_uri())
        while not self.value("document.readyState === 'complete'"):
            self._note(self._next())

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript gives, also one that has to be waited for."""
        told = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise RuntimeError(told["exceptionDetails"])
        return told["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys, each by its name in the DOM."""
        for key in keys:
            text = {"text": key} if len(key) == 1 else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def prefer(self, scheme: str) -> None:
        """Be one of a person who likes it "light" or "dark"."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def _next(self) -> Any:
        while b"\0" not in self._rest:
            read = os.read(self._read, 1 << 20)
            if not read:
                raise RuntimeError("the browser has ended")
            self._rest += read
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _note(self, message: Any) -> None:
        method, told = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
            self.complaints.append(json.dumps(told))


@contextmanager
def opened(profile: Path) -> Iterator[Browser]:
    """A browser with a profile of its own, which ends with the block."""
    program = shutil.which("chromium")
    if not program:
        pytest.fail("chromium is missing: scripts/pages --install")
    to_browser, from_browser = os.pipe(), os.pipe()

    # Chromium reads from descriptor 3 and writes to descriptor 4.
    words = ["bash", "-c", f'exec "$0" "$@" 3<&{to_browser[0]} 4>&{from_browser[1]}', program, *SWITCHES]
    with (profile / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            [*words, f"--user-data-dir={profile}"],
            pass_fds=(to_browser[0], from_browser[1]),
            stdout=said,
            stderr=said,
            env={**os.environ, "HOME": str(profile)},
        )
        os.close(to_browser[0])
        os.close(from_browser[1])
        try:
            yield Browser(to_browser[1], from_browser[0])
        finally:
            process.kill()
            process.wait(SECONDS)
            os.close(to_browser[1])
            os.close(from_browser[0])
