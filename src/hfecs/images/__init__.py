"""Container images: the programs that build and push them, and what they are built from."""
