"""The state: what was created, written after every create; it is not the truth, AWS is.

`State` is the document, `ClusterState` the part of one cluster in it. A store keeps the document and has the lock: a
file of this machine, or an object in S3 for a team.
"""

from __future__ import annotations

from hfecs.provisioning.state.document import ClusterState, Record, State
from hfecs.provisioning.state.file import FileStore, locked
from hfecs.provisioning.state.s3 import BucketStore
from hfecs.provisioning.state.store import Holder, Store

__all__ = ["BucketStore", "ClusterState", "FileStore", "Holder", "Record", "State", "Store", "locked"]
