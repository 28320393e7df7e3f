"""hfecs images: build what runs in the containers, and push it to where the machines find it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hfecs.errors import Misused
from hfecs.session import Session

app = typer.Typer(help="Build and push the container images of hfecs and of the worker.", no_args_is_help=True)

With = Annotated[
    str | None,
    typer.Option("--builder", help="docker, podman or buildah [default: the first that answers].", metavar="PROGRAM"),
]


@app.command()
def build(
    context: typer.Context,
    builder: With = None,
    platform: Annotated[
        str | None,
        typer.Option(help="Where the images run [default: that of cluster.instance_type].", metavar="OS/ARCH"),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="What the hfecs image stands on [default: debian:bookworm-slim].", metavar="IMAGE"),
    ] = None,
    worker: Annotated[
        Path | None,
        typer.Option(help="Dockerfile of your own worker [default: that of Montage].", metavar="FILE"),
    ] = None,
    source: Annotated[
        Path | None, typer.Option(help="A checkout of hfecs [default: the one this hfecs runs from].", metavar="DIR")
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Argument(
            help="Options of the builder, such as --no-cache.", metavar="[-- OPTION...]", show_default=False
        ),
    ] = None,
) -> None:
    """Build the two images: hfecs with the HyperFlow engine, and on top of it the worker with its programs.

    Makes two images on this machine, from its checkout of hfecs, Debian's packages, PyPI and npm. Costs nothing.
    """
    from hfecs.images import builder as builders
    from hfecs.images.building import Wish
    from hfecs.images.building import build as build_images
    from hfecs.images.recipes import BASE, platform_of

    hfecs: Session = context.obj
    _only_for_aws(hfecs)
    platform = platform or platform_of(hfecs.said.cluster.instance_type)
    names = build_images(builders.find(builder), Wish(platform, base or BASE, worker, source), options or ())
    hfecs.console.say(f"Built {' and '.join(names)} for {platform}; hfecs images push takes them to ECR.", "bold")


@app.command()
def push(context: typer.Context, builder: With = None) -> None:
    """Push the two images to ECR; `hfecs cluster up` then runs exactly these.

    Makes two repositories, hfecs/<cluster>/hfecs and hfecs/<cluster>/worker, and uploads what they do not hold yet.
    `hfecs destroy` removes them.

    Costs on AWS: storage of about 0.10 USD for each GB a month; pulling them within the region is free.
    """
    from hfecs.blueprints import images
    from hfecs.images import builder as builders

    hfecs: Session = context.obj
    _only_for_aws(hfecs)
    program, stack = builders.find(builder), hfecs.stack(images.STACK)
    with hfecs.locked("images push"), hfecs.console.summary(f"Images of cluster {stack.cluster}"):
        pushed = images.push(stack, program)
    for name in pushed:
        configured = getattr(hfecs.config.images, name)
        if configured:
            hfecs.console.say(f"! images.{name} is set to {configured}, and wins over what was pushed")


def _only_for_aws(hfecs: Session) -> None:
    if hfecs.is_local:
        raise Misused(
            "The local cloud starts the programs of this machine and needs no images.", hint="leave out --local"
        )
