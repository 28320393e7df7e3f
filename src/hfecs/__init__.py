"""HyperFlow workflows on Amazon ECS: build the cluster, run, watch, and leave nothing behind."""

__version__ = "0.1.0"
