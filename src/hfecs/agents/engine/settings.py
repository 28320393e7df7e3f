"""The engine agent's settings, from the environment of its container, and where the engine is installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hfecs import templating
from hfecs.agents.common import environment
from hfecs.agents.common.environment import Environment
from hfecs.errors import ConfigurationInvalid
from hfecs.messaging.messages import JOBS_QUEUE
from hfecs.workflow.variables import given

ENGINE_PACKAGE = "@hyperflow/hyperflow"
ENGINE = Path("node_modules", ENGINE_PACKAGE)
CHECKOUT = Path(__file__).resolve().parents[4]
"""The folder of the sources, if hfecs runs from there."""

OPTIONS = ("STORAGE", "WORKDIR", "CONTAINER")
NUMBERS = ("RETRIES", "TIMEOUT")
"""Variables with options for all jobs of the run, unless the workflow says otherwise."""


@dataclass(frozen=True)
class Settings:
    """What the engine agent has to know; `broker` holds a password, `attempt` is above 1 when a run is resumed.

    `began` is when `hfecs run` did, in seconds since 1970, if it said so.
    """

    run: str
    bucket: str
    broker: str
    queue: str
    node_modules: Path
    variables: Mapping[str, str]
    options: Mapping[str, str | float] = field(default_factory=dict)
    attempt: int = 1
    keep_going: bool = False
    began: float | None = None

    @classmethod
    def from_environment(cls, environ: Environment) -> Settings:
        """Read RUN_ID, BUCKET, AMQP_URL, AMQP_QUEUE, ATTEMPT, KEEP_GOING, HFECS_ENGINE_HOME, HF_VAR_..., options."""
        return cls(
            run=environment.required(environ, "RUN_ID"),
            bucket=environment.required(environ, "BUCKET"),
            broker=environment.broker_url(environ),
            queue=environment.optional(environ, "AMQP_QUEUE", JOBS_QUEUE),
            node_modules=node_modules(environ),
            variables=given([], environ)[0],
            options=_options(environ),
            attempt=environment.positive_integer(environ, "ATTEMPT", 1),
            keep_going=environment.optional(environ, "KEEP_GOING", "false") == "true",
            began=environment.seconds(environ, "RUN_BEGAN", 0.0) or None,
        )


def _options(environ: Environment) -> dict[str, str | float]:
    words = {name.lower(): environ[name] for name in OPTIONS if environ.get(name)}
    numbers = {name.lower(): int(environment.seconds(environ, name, 0)) for name in NUMBERS if environ.get(name)}
    return {**words, **numbers}


def node_modules(environ: Environment) -> Path:
    """The folder that Node.js finds the engine and its libraries in; ConfigurationInvalid if it is nowhere."""
    places = _places(environ)
    for place in places:
        if (place / ENGINE).is_dir():
            return place / "node_modules"
    raise ConfigurationInvalid(
        f"The HyperFlow engine is in none of {', '.join(str(place) for place in places)}.",
        f"{_installation(CHECKOUT)}; or set HFECS_ENGINE_HOME to the folder of its node_modules",
    )


def _installation(checkout: Path) -> str:
    """How the engine is installed: an installed package has no scripts/."""
    if (checkout / "scripts/setup").is_file():
        return "scripts/setup installs it"
    wanted: dict[str, str] = templating.document("engine/package.json")["dependencies"]
    return f"install it: npm install --prefix ~/.local/share/hfecs/engine {ENGINE_PACKAGE}@{wanted[ENGINE_PACKAGE]}"


def _places(environ: Environment) -> list[Path]:
    given = environ.get("HFECS_ENGINE_HOME", "")
    if given:
        return [Path(given)]
    return [CHECKOUT / ".engine", Path("/opt/hfecs/engine"), Path.home() / ".local/share/hfecs/engine"]
