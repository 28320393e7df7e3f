"""The control plane of the local cloud: moto's server, with what it lacks, and the ECS agent's endpoint."""
