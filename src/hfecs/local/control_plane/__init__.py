"""The control plane of the local cloud: moto's server with patches, and the ECS agent's endpoint."""
