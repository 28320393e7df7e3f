"""A workflow run as `hfecs run` handles it: start, follow, find, resume, result.

`lookup` and `archive` find a run, in the state file or in its bucket. `first_demand` and `alarm_reset` report its
demand until its engine does. `follow` reads its events from the broker, `progress` and `outcome` show them, and
`resume` restarts it with the jobs that are not done.
"""
