"""How to build a whole cluster, or a run: up() in groups of parallel steps, TEARDOWN as a list."""
