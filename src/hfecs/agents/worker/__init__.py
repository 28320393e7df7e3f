"""The executor, which runs in the worker containers: fetches the inputs of jobs, runs them, stores outputs."""

from hfecs.agents.worker.executor import main

__all__ = ["main"]
