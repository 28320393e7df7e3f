"""The data plane of the local cloud: instances, tasks, services and groups as real processes."""
