"""hfecs images: build the container images, and push them to where the machines pull them from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hfecs.aws.prices import in_help
from hfecs.errors import Misused
from hfecs.session import Session

app = typer.Typer(help="Build and push the container images.", no_args_is_help=True)

With = Annotated[
    str | None,
    typer.Option("--builder", help="docker, podman or buildah [default: the first that works].", metavar="PROGRAM"),
]


@app.command(short_help="Build the two container images.")
def build(
    context: typer.Context,
    builder: With = None,
    platform: Annotated[
        str | None,
        typer.Option(help="Platform of the images [default: that of cluster.instance_type].", metavar="OS/ARCH"),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="Base image of the hfecs image [default: debian:bookworm-slim].", metavar="IMAGE"),
    ] = None,
    worker: Annotated[
        Path | None,
        typer.Option(help="Dockerfile of your own worker [default: Montage's].", metavar="FILE"),
    ] = None,
    source: Annotated[
        Path | None, typer.Option(help="Checkout of hfecs [default: the one this hfecs runs from].", metavar="DIR")
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Argument(
            help="Options of the builder, such as --no-cache.", metavar="[-- OPTION...]", show_default=False
        ),
    ] = None,
) -> None:
    """Build the two images: hfecs with the HyperFlow engine, and on top of it the worker with its programs.

    Creates two images on this machine, from its checkout of hfecs, Debian's packages, PyPI and npm. Costs nothing.
    """
    from hfecs.images import builder as builders
    from hfecs.images.recipes import BASE, Wish, build_images, platform_of

    hfecs: Session = context.obj
    _only_for_aws(hfecs)
    platform = platform or platform_of(hfecs.said.cluster.instance_type)
    names = build_images(builders.find(builder), Wish(platform, base or BASE, worker, source), options or ())
    hfecs.console.say(f"Built {' and '.join(names)} for {platform}; push them to ECR: hfecs images push", "bold")


@app.command(short_help="Push the two container images to ECR.")
@in_help
def push(context: typer.Context, builder: With = None) -> None:
    """Push the two images to ECR; `hfecs cluster up` then runs exactly these.

    Creates two repositories, hfecs/<cluster>/hfecs and hfecs/<cluster>/worker, and uploads what they lack.
    `hfecs destroy` deletes them.

    Costs on AWS: storage of about {repository} USD per GB and month; pulling within the region is free.
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
            hfecs.console.say(f"! images.{name} is set to {configured}, and overrides the pushed image")


def _only_for_aws(hfecs: Session) -> None:
    if hfecs.is_local:
        raise Misused("The local cloud runs this machine's programs and needs no images.", hint="omit --local")
