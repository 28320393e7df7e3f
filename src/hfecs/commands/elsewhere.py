"""What stands elsewhere, for whoever found nothing where a command looked: a forgotten --name, --state or --local."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hfecs import shared_options
from hfecs.errors import NoCluster
from hfecs.session import Session


def pointers(hfecs: Session, verb: str) -> list[str]:
    """Sentences about the other clusters of the region and a local cloud of this folder, each with its command."""
    from hfecs.blueprints import cluster
    from hfecs.local import client

    others = cluster.others(hfecs.stack(cluster.STACK))
    told = [f"cluster {name} stands there: {_command(hfecs, verb, name=name)}" for name in others]
    if not hfecs.is_local and client.find(hfecs.local_folder):
        told.append(f"a local cloud runs here: {_command(hfecs, verb, wants_local=True)}")
    return told


@contextmanager
def pointed_to(hfecs: Session, verb: str) -> Iterator[None]:
    """Where there is no such cluster, say in the hint what stands elsewhere."""
    try:
        yield
    except NoCluster as error:
        error.hint = "; ".join([error.hint, *pointers(hfecs, verb)])
        raise


def _command(hfecs: Session, verb: str, **other: object) -> str:
    """A command as this one was typed, but for what is other."""
    return f"hfecs {shared_options.words(hfecs.typed | other)} {verb}"
