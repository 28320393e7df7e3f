"""One file for each verb: its options, one call, and what it shows."""
