"""Scaling on the local cloud: alarms and policies; the pure parts are shared with the replay in bench/."""
