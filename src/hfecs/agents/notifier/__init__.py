"""The notifier agent: runs on the master machine, beside the broker, as long as the cluster.

`main` publishes the numbers of the job queue to CloudWatch every ten seconds. `cluster_metrics` writes metrics to
InfluxDB, `idle_shutdown` ends an idle cluster's machines, `stale_protection` removes leftover scale-in protection.
"""
