"""`python -m hfecs` is the command `hfecs`."""

from hfecs.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
