"""The whole of a cluster, and of a run: up() in paragraphs, TEARDOWN as a list."""
