"""One module for each kind of thing on AWS: KIND, ensure, teardown, and survey, which lists what exists of it."""
