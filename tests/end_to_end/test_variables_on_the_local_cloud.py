"""Variables of a workflow, from the command line and the environment to the names of stored files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from end_to_end.project import Project, project

pytestmark = pytest.mark.end_to_end

COMMAND = "printf '%s' '{{text}}' > {{prefix}}out; test {{prefix}} != x- || test ! -e {{flag}}"
JOB = {"name": "write", "command": COMMAND, "ins": ["begin"], "outs": ["{{prefix}}out"]}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "hfecs.toml").write_text("[scaling]\nasg_desired = 1\n[run]\nretries = 0\n")
    with project(tmp_path) as made:
        made.done("--local", "cluster", "up")
        yield made


def test_a_run_keeps_its_variables_when_it_is_resumed(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    flag = here.folder / "flag"
    flag.touch()
    job = here.write_workflow("job", [JOB], {"begin": ""})
    monkeypatch.setenv("HF_VAR_prefix", "not-this-")
    monkeypatch.setenv("HF_VAR_text", "<a & b> {{c}}")
    given = ("--var", "prefix=x-", "--var", f"flag={flag}")

    failed = here.hfecs("--local", "run", job, "--bucket", "variables", *given)
    run = re.findall(r"--resume (\S+)", failed.stderr)[0]
    flag.unlink()
    monkeypatch.setenv("HF_VAR_text", "another")
    here.done("--local", "run", "--resume", run, "--download", "out")

    assert failed.returncode == 1
    assert {path.name: path.read_text() for path in (here.folder / "out").iterdir()} == {"x-out": "<a & b> {{c}}"}
    refused = here.hfecs("--local", "run", job, "--bucket", "variables", "--var", "prefix=x-")
    assert refused.returncode == 2
    assert "{{flag}}" in refused.stderr
