"""Programs that replace container images on the local cloud."""
