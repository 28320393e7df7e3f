"""The house is built in floors: imports go down only, and some things are done in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import hfecs

SOURCE = Path(hfecs.__file__).parent
MODULES = {
    ".".join(["hfecs", *path.relative_to(SOURCE).with_suffix("").parts]).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
    if "templates" not in path.parts
}
FLOORS = {
    name if name == "hfecs" else f"hfecs.{name}": floor
    for floor, names in enumerate(
        [
            ["hfecs", "errors"],
            ["backoff", "parallel", "templating", "config", "workflow", "messaging"],
            ["aws", "explained", "lookahead", "images", "record"],
            ["provisioning"],
            ["resources"],
            ["blueprints"],
            ["console", "session", "shared_options"],
            ["runs", "observe"],
            ["commands"],
            ["cli", "__main__"],
        ]
    )
    for name in names
}
# Wings stand beside the floors: what each may use of the house, itself aside.
WINGS = {
    "hfecs.agents": {
        "hfecs.errors",
        "hfecs.backoff",
        "hfecs.config",
        "hfecs.workflow",
        "hfecs.templating",
        "hfecs.aws",
        "hfecs.lookahead",
        "hfecs.messaging",
        "hfecs.record",
    },
    "hfecs.local": {"hfecs.errors", "hfecs.aws.tags"},
    "hfecs.examples": {"hfecs.errors"},
}
# Who may import a wing: a command starts it, the session finds the local cloud.
ENTRANCES = ("hfecs.commands", "hfecs.session")
# Where any error is caught, each with its reason beside it.
CATCH_ALL = {
    "hfecs.aws.credentials",
    "hfecs.cli",
    "hfecs.local.reconciler",
    "hfecs.messaging.timeouts",
    "hfecs.parallel",
}
ONE_PLACE = {"sleep": "hfecs.provisioning.wait", "print": "hfecs.console"}


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text())


def imports(module: str) -> Iterator[str]:
    """Every module that is imported, be it late, inside a function, or for its types only."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by a relative name"
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else str(node.module) for name in inside)


def part(module: str, parts: object) -> str | None:
    """The part of the house in which a module stands."""
    names = module.split(".")
    known = [".".join(names[:length]) for length in range(len(names), 0, -1)]
    return next((name for name in known if name in parts), None)  # type: ignore[operator]


def arrows() -> Iterator[tuple[str, str]]:
    for module in MODULES:
        for imported in set(imports(module)):
            if part(imported, ["hfecs"]):
                yield module, imported


def calls(module: str) -> Iterator[str]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def of_the_house() -> list[str]:
    return [module for module in MODULES if not part(module, WINGS)]


def test_every_module_has_its_floor_or_wing() -> None:
    rooms = {name for name in FLOORS if name != "hfecs"} | set(WINGS)

    assert [module for module in MODULES if module != "hfecs" and not part(module, rooms)] == []


def test_imports_go_down_only() -> None:
    up = [
        f"{module} -> {imported}"
        for module, imported in arrows()
        if not (part(module, WINGS) or part(imported, WINGS))
        and FLOORS[str(part(module, FLOORS))] < FLOORS[str(part(imported, FLOORS))]
    ]

    assert up == []


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_uses_only_what_it_may(wing: str) -> None:
    allowed = WINGS[wing] | {wing}

    outside = [
        f"{module} -> {imported}"
        for module, imported in arrows()
        if part(module, [wing]) and not part(imported, allowed)
    ]

    assert outside == []


def test_only_commands_and_the_session_enter_a_wing() -> None:
    entered = [
        f"{module} -> {imported}"
        for module, imported in arrows()
        if (wing := part(imported, WINGS)) and not part(module, [wing, *ENTRANCES])
    ]

    assert entered == []


def test_a_resource_imports_no_other_resource_and_no_library_of_aws_or_of_the_terminal() -> None:
    forbidden = ["hfecs.resources", "boto3", "botocore", "typer", "rich"]

    wrong = [
        f"{module} -> {imported}"
        for module in MODULES
        if part(module, ["hfecs.resources"])
        for imported in imports(module)
        if part(imported, forbidden)
    ]

    assert wrong == []


@pytest.mark.parametrize("library", ["rich", "typer"])
def test_the_terminal_is_known_on_the_upper_floors_only(library: str) -> None:
    lower = [
        module
        for module in of_the_house()
        if FLOORS[str(part(module, FLOORS))] < 6 and any(part(name, [library]) for name in imports(module))
    ]

    assert lower == []


def test_only_one_module_sleeps() -> None:
    sleeping = {module for module in of_the_house() if {"time.sleep", "sleep"} & set(calls(module))}

    assert sleeping == {ONE_PLACE["sleep"]}


def test_only_one_module_prints() -> None:
    ways = ("print", "typer.echo", "typer.secho", "click.echo", "sys.stdout.write", "sys.stderr.write")

    printing = {module for module in of_the_house() if set(ways) & set(calls(module))}
    terminals = {module for module in of_the_house() if any(part(name, ["rich"]) for name in imports(module))}

    assert printing == set()
    assert terminals == {ONE_PLACE["print"]}


def test_any_error_is_caught_in_the_listed_places_only() -> None:
    def catches_all(handler: ast.ExceptHandler) -> bool:
        return (
            handler.type is None
            or {"Exception", "BaseException"} & set(ast.unparse(handler.type).split(" | ")) != set()
        )

    places = {
        module
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ExceptHandler) and catches_all(node)
    }

    assert places == CATCH_ALL


def test_clients_of_aws_are_opened_in_one_module() -> None:
    opening = {module for module in MODULES if any(part(name, ["botocore.config"]) for name in imports(module))}

    assert opening == {"hfecs.aws.clients"}


def test_metrics_are_written_and_read_in_one_module() -> None:
    def asks(module: str) -> bool:
        return any(call.endswith((".put_metric_data", ".get_metric_data")) for call in calls(module))

    assert {module for module in MODULES if asks(module)} == {"hfecs.aws.cloudwatch"}


def test_names_of_tags_are_written_in_one_module() -> None:
    writing = {
        module
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "hfecs:" in node.value
    }

    assert writing == {"hfecs.aws.tags"}


def test_no_module_is_longer_than_three_hundred_lines() -> None:
    lengths = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}

    assert {module: length for module, length in lengths.items() if length > 300} == {}


def test_nobody_leaves_the_program_but_the_command_line() -> None:
    leaving = {module for module in of_the_house() if {"sys.exit", "exit", "os._exit"} & set(calls(module))}

    assert leaving <= {"hfecs.cli", "hfecs.__main__"}


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    heavy = ["boto3", "botocore", "pika", "moto", "pydantic"]

    at_start = [
        f"{module} -> {name}"
        for module in ["hfecs.cli", "hfecs.console", *(name for name in MODULES if part(name, ["hfecs.commands"]))]
        for node in tree(module).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)])
        if part(name, heavy)
    ]

    assert at_start == []
