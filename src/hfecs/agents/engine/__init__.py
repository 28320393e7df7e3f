"""The engine agent: runs one workflow on the machine of the run, and ends with it.

`main` starts `workflow_run`, which fetches the job directory, starts Redis and the HyperFlow engine, and leaves
journal, log and result in the bucket. `demand` publishes how many job slots the run is worth.
"""
