"""The local cloud: moto's server, with machines, tasks and alarms that are real processes on this computer.

client         starts, finds and stops the daemon of a directory; all that the rest of hfecs knows of it
daemon         the process: one control plane and one data plane, in a network 127.N.x.y of its own
control_plane/ answers AWS calls: moto's server, patched where it differs from AWS (moto_patches/)
reconciler     the loop that brings the data plane in line with the control plane, every second
data_plane/    instances, tasks, services, Auto Scaling groups, logs: what really runs
scaling/       alarms and scaling policies, evaluated and carried out as on AWS
stand_ins/     programs that stand for container images: RabbitMQ, InfluxDB, Grafana, Telegraf
processes      finds every process that belongs to a local cloud
"""
