"""Point to clusters elsewhere if a command found nothing: a forgotten --name, --state or --local."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hfecs import shared_options
from hfecs.errors import NoCluster
from hfecs.session import Session


def pointers(hfecs: Session, verb: str) -> list[str]:
    """Sentences about the region's other clusters and this folder's local cloud, each with its command."""
    from hfecs.blueprints import cluster
    from hfecs.local import client

    others = cluster.others(hfecs.stack(cluster.STACK))
    told = [f"cluster {name} exists there: {_command(hfecs, verb, name=name)}" for name in others]
    if not hfecs.is_local and client.find(hfecs.local_folder):
        told.append(f"a local cloud is running here: {_command(hfecs, verb, wants_local=True)}")
    return told


@contextmanager
def pointed_to(hfecs: Session, verb: str) -> Iterator[None]:
    """If the cluster does not exist, add to the hint what exists elsewhere."""
    try:
        yield
    except NoCluster as error:
        error.hint = "; ".join([error.hint, *pointers(hfecs, verb)])
        raise


def _command(hfecs: Session, verb: str, **other: object) -> str:
    """The command as typed, with these options changed."""
    return f"hfecs {shared_options.words(hfecs.typed | other)} {verb}"
