"""Examples: job directories that can be run as they are."""
