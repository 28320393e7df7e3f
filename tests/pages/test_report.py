"""The report of a run in Debian's Chromium: it asks for nothing, complains of nothing, and can be used by everybody."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hfecs.record.report import Picture, report
from pages.browser import Browser, opened
from record.made import wide

AXE = Path(os.environ.get("PAGES_MODULES", "node_modules")) / "axe-core/axe.min.js"
DRAWN_MILLISECONDS = 2000
REDRAWN_MILLISECONDS = 50

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with opened(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 jobs and a picture."""
    page = tmp_path_factory.mktemp("pages") / "small.html"
    gif = (
        b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01"
    )
    gif += b"\x00\x01\x00\x00\x02\x02D\x01\x00;"
    page.write_text(report(wide(80), [Picture("sky.gif", len(gif), gif)], version="1.2.3"))
    return page


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16,413 jobs on 40 slots."""
    page = tmp_path_factory.mktemp("pages") / "large.html"
    page.write_text(report(wide(16_413, slots=40), version="1.2.3"))
    return page


@pytest.mark.parametrize("which", ["small", "large"])
def test_it_asks_for_nothing_but_itself_and_complains_of_nothing(
    browser: Browser, which: str, request: pytest.FixtureRequest
) -> None:
    page: Path = request.getfixturevalue(which)

    browser.open(page)
    browser.value("new Promise((done) => setTimeout(done, 200))")

    assert [url for url in browser.requests if not url.startswith("data:")] == [page.as_uri()]
    assert browser.complaints == []
    assert browser.value("document.querySelectorAll('#curves svg').length") >= 3
    assert browser.value("[...document.images].every((image) => image.naturalWidth > 0)")


def test_16000_jobs_are_drawn_within_two_seconds_and_redrawn_within_50_ms(browser: Browser, large: Path) -> None:
    browser.open(large)

    assert int(browser.value("document.documentElement.dataset.drawn")) < DRAWN_MILLISECONDS
    again = "{ const began = performance.now(); timeline.draw(); performance.now() - began }"
    assert min(float(browser.value(again)) for _ in range(5)) < REDRAWN_MILLISECONDS


def test_the_timeline_is_walked_by_keys(browser: Browser, small: Path) -> None:
    browser.open(small)
    browser.value("document.getElementById('drawing').focus()")

    told = []
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "c", "c"):
        browser.press(key)
        told.append(browser.value("document.getElementById('job').textContent"))

    assert len(set(told[:3])) == 3
    assert all("began at" in text and "fetch" in text for text in told)
    assert browser.value("timeline.chain.indexOf(timeline.selected)") == 1


def test_keys_zoom_around_the_selected_job_and_home_shows_the_whole_run(browser: Browser, small: Path) -> None:
    browser.open(small)
    browser.value("document.getElementById('drawing').focus()")
    browser.press("ArrowRight", "+", "+")
    closer = browser.value("[timeline.from, timeline.to, timeline.span]")
    box = browser.value("document.querySelector('#curves svg').getAttribute('viewBox')")
    browser.press("Home")

    assert closer[1] - closer[0] == pytest.approx(0.36 * closer[2], rel=0.01)
    assert browser.value("document.querySelector('#curves svg').getAttribute('viewBox')") != box
    assert browser.value("[timeline.from, timeline.to]") == [0, closer[2]]


def test_a_job_in_a_table_is_shown_in_the_timeline(browser: Browser, small: Path) -> None:
    browser.open(small)
    number = browser.value("{ const link = document.querySelector('#slowest a'); link.click(); link.dataset.job }")

    assert f"#{number} " in browser.value("document.getElementById('job').textContent")


def test_the_legend_follows_the_colours(browser: Browser, small: Path) -> None:
    browser.open(small)
    legend = "document.getElementById('colour-legend').textContent"
    by_program = browser.value(legend)
    browser.value(
        "{ const choice = document.getElementById('colours'); choice.value = 'stage';"
        " choice.dispatchEvent(new Event('change')); 0 }"
    )

    assert by_program == "program1program2program0"
    assert browser.value(legend) == "fetchrunstoreexecutor"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["small", "large"])
def test_axe_finds_nothing_that_keeps_people_out(
    browser: Browser, which: str, scheme: str, request: pytest.FixtureRequest
) -> None:
    browser.prefer(scheme)
    browser.open(request.getfixturevalue(which))
    browser.value(AXE.read_text())

    found: Any = browser.value("axe.run(document, {resultTypes: ['violations']})")

    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found["violations"]] == []
    assert len(found["passes"]) > 20
