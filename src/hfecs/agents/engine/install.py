"""Where the HyperFlow engine is installed."""

from __future__ import annotations

from pathlib import Path

from hfecs.agents.common.environment import Environment
from hfecs.errors import ConfigurationInvalid

ENGINE = Path("node_modules", "@hyperflow", "hyperflow")


def node_modules(environ: Environment) -> Path:
    """The folder that Node.js finds the engine and its libraries in; ConfigurationInvalid if it is nowhere."""
    places = _places(environ)
    for place in places:
        if (place / ENGINE).is_dir():
            return place / "node_modules"
    raise ConfigurationInvalid(
        f"The HyperFlow engine is in none of {', '.join(str(place) for place in places)}.",
        "scripts/setup installs it; or set HFECS_ENGINE_HOME to the folder of its node_modules",
    )


def _places(environ: Environment) -> list[Path]:
    given = environ.get("HFECS_ENGINE_HOME", "")
    if given:
        return [Path(given)]
    checkout = Path(__file__).resolve().parents[4]
    return [checkout / ".engine", Path("/opt/hfecs/engine"), Path.home() / ".local/share/hfecs/engine"]
