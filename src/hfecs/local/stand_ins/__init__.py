"""Programs that stand for container images on the local cloud."""
