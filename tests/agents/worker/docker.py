"""A program that stands for Docker: it runs the commands of containers, and logs what it was asked for."""

from __future__ import annotations

from pathlib import Path

DOCKER = """\
#!/usr/bin/env python3
import json, os, sys
with open(__file__ + ".log", "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "run":
    words = sys.argv[2:]
    takes = ("--name", "--user", "--volume", "--workdir", "--env")
    options, environment = {}, {"PATH": os.environ["PATH"]}
    while words[0].startswith("-"):
        option = words.pop(0)
        value = words.pop(0) if option in takes else ""
        options[option] = value
        if option == "--env":
            environment.update([value.split("=", 1)])
    image = words.pop(0)
    if image == "missing":
        sys.exit(125)
    os.chdir(options["--workdir"])
    os.execvpe(words[0], words, environment)
"""


def stand_in(folder: Path) -> Path:
    """Write the program into a folder; docker.log beside it gets a line of JSON for each call."""
    program = folder / "docker"
    program.write_text(DOCKER)
    program.chmod(0o755)
    return program
