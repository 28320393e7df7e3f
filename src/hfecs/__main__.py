"""`python -m hfecs` is the command `hfecs`."""

from hfecs.cli import entry

if __name__ == "__main__":
    entry()
