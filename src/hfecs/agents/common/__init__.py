"""What several agents share: settings from the environment, logging, S3, InfluxDB, child processes."""
