"""Provisioning: a stack compares what exists with what is wanted, creates, changes, deletes, and records it.

`resource` and `diff` are the types, `stack` runs the five steps, `teardown` deletes in order, `preview` asks before
interrupting work, `wait` is the only file that sleeps, and `state/` is the state file.
"""
