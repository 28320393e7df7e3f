"""The embedded cloud: moto's server with what it lacks, and machines, tasks and alarms that really run."""
