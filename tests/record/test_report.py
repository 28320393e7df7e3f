"""The page of a run: complete without its script, safe whatever the run said, and small."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from hfecs.record.model import Job, RunRecord
from hfecs.record.report import MOST_PICTURE_BYTES, Picture, report
from record.made import job, machine, one, record, wide

NASTY = """</script><script>alert(1)</script><img src=x onerror=alert(2)> & "quotes' \u2028 [red] :cat: ${data}"""


class Reader(HTMLParser):
    """What a browser would see: tags with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said += data

    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.tags if attributes.get("id")]


def page(made: RunRecord, *pictures: Picture) -> str:
    return report(made, pictures, version="1.2.3")


def data_of(text: str) -> object:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_every_part_is_there_without_the_script() -> None:
    reader = Reader(page(wide(80)))

    parts = ["facts", "time", "timeline", "programs", "chain", "slowest", "machines"]
    assert [name for name in reader.ids() if name in parts] == parts
    assert "What set the time of this run" in reader.said
    assert "80 of 80" in reader.said
    assert reader.said.count("program0") > 1


def test_ids_are_given_once_and_labels_point_to_ids() -> None:
    reader = Reader(page(wide(80), Picture("a.png", 5, b"12345")))

    assert len(reader.ids()) == len(set(reader.ids()))
    named = {value for _, attributes in reader.tags for key, value in attributes.items() if key == "aria-labelledby"}
    assert named <= set(reader.ids())


def test_the_page_asks_the_network_for_nothing() -> None:
    reader = Reader(page(wide(80), Picture("a.png", 5, b"12345")))

    asking = [
        value
        for _, attributes in reader.tags
        for key, value in attributes.items()
        if key in ("src", "href", "action", "data", "srcset", "poster")
    ]
    assert [value for value in asking if value and not value.startswith(("data:", "#"))] == []
    policy = next(a for tag, a in reader.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert str(policy["content"]).startswith("default-src 'none'")


def test_what_programs_and_files_are_called_is_text_and_nothing_else() -> None:
    nasty = Job(1, NASTY, NASTY, [NASTY], (), (one(1, 0, 5, worker=NASTY, machine=NASTY),))
    failed = {"name": NASTY, "id": NASTY, "executable": NASTY, "args": [NASTY], "stdout": NASTY, "exceptions": [NASTY]}
    made = RunRecord(
        NASTY, NASTY, "failed", 0.0, 10.0, [nasty], [machine(NASTY, type=NASTY, zone=NASTY, price_source=NASTY)],
        failures=[failed], error=NASTY, facts={NASTY: NASTY},
    )  # fmt: skip

    text = page(made, Picture(f"{NASTY}.png", 5, b"12345"))

    reader = Reader(text)
    assert [tag for tag, _ in reader.tags].count("script") == 2
    assert [attributes for _, attributes in reader.tags if "onerror" in attributes] == []
    assert NASTY in reader.said
    assert NASTY[:200] in json.dumps(data_of(text), ensure_ascii=False).replace('\\"', '"')


def test_failures_stand_first_with_what_the_job_printed() -> None:
    failed = {
        "name": "mProject", "id": "r-1-5", "executable": "mProject", "args": ["a.fits", "b.fits"], "exit_status": 1,
        "stdout": '[struct stat="ERROR", msg="File (x.fits) is not a FITS image"]', "stderr": "",
    }  # fmt: skip
    made = replace(wide(5), status="failed", failures=[failed], error="1 job failed")

    reader = Reader(page(made))

    assert reader.ids().index("failures") < reader.ids().index("time")
    assert "is not a FITS image" in reader.said
    assert "$ mProject a.fits b.fits" in reader.said


@pytest.mark.parametrize("status", ["running", "failed", "lost", "stopped", "succeeded"])
def test_a_run_of_which_nothing_is_known_yet_has_a_page(status: str) -> None:
    reader = Reader(page(RunRecord("r-1", "flow", status, 5.0, 5.0)))

    assert status in reader.said
    assert "No job has ended yet" in reader.said
    assert "unknown" in reader.said


def test_pictures_are_inside_as_far_as_they_fit() -> None:
    large = Picture("large.png", MOST_PICTURE_BYTES, b"x" * MOST_PICTURE_BYTES)
    text = page(wide(3), Picture("a.PNG", 5, b"12345"), large, Picture("b.fits", 5, b"12345"))

    assert text.count("<img ") == 1
    assert "data:image/png;base64,MTIzNDU=" in text
    assert "large.png, 650.0 kB: too large to be shown here" in text
    assert "b.fits" not in text


def test_the_cost_is_unknown_if_a_price_is() -> None:
    known = record(job(1, one(1, 0, 1)), machines=[machine("i-1", gone=3600.0)], seconds=3600)
    unknown = replace(known, machines=[machine("i-1", price=None)])

    assert "1.00 USD" in Reader(page(known)).said
    assert "unknown" in Reader(page(unknown)).said


def test_16000_jobs_make_less_than_5_megabytes() -> None:
    assert len(page(wide(16_413, slots=40)).encode()) < 5_000_000
