"""The state: a record of what was created, written after every create. The truth is in AWS.

`State` is the document, `ClusterState` one cluster's part of it. A store holds the document and its lock: a local file,
or an object in S3 for a team.
"""

from __future__ import annotations

from hfecs.provisioning.state.document import ClusterState, Record, State
from hfecs.provisioning.state.file import FileStore, locked
from hfecs.provisioning.state.s3 import BucketStore
from hfecs.provisioning.state.store import Holder, Store

__all__ = ["BucketStore", "ClusterState", "FileStore", "Holder", "Record", "State", "Store", "locked"]
