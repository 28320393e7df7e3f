"""The worker agent, called the executor: fetches the inputs of jobs, runs them, stores their outputs.

A job goes from `consumer` (the queue) through `job_runner` (attempts) and `stages` (fetch, run, store) to its reply.
`protection` keeps ECS and Auto Scaling from ending a busy executor; `poison_messages` finds jobs that kill executors.
"""
