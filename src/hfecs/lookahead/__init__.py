"""How many job slots a run will need soon: calculated by the engine, and by `hfecs run` before the engine is up.

`graph` and `job_times` describe the workflow, `forecast` turns them into a demand, `planner` keeps it up to date,
`metric` publishes it to CloudWatch, and `handover` says who publishes when.
"""
