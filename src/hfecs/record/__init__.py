"""The record of a run: what was written down of it, what follows from that, and the page that shows it.

`model` is the shape of the files in `runs/RUN/`, which the engine's agent writes and whoever reports reads; `figures`
is what can be computed of them; `report` draws one HTML file.
"""
