"""The programs in the containers on the cluster's machines: three agents, started by `hfecs agent NAME`.

    agent      package     machine                   lifetime             what it does
    notifier   notifier/   master, beside RabbitMQ   the cluster's        measures, shuts down an idle cluster
    engine     engine/     runner, one for each run  the run's            runs the workflow with HyperFlow and Redis
    worker     worker/     workers (Auto Scaling)    its machine's        runs jobs, several in parallel

Who talks to whom:

    engine   -> RabbitMQ    jobs, and the events of the run        worker   -> RabbitMQ    replies, events of jobs
    worker   <- RabbitMQ    jobs                                   engine   <- RabbitMQ    replies, events of jobs
    engine   -> S3          journal, log, result                   worker  <-> S3          inputs, outputs
    engine   -> CloudWatch  the run's demand                       notifier -> CloudWatch  the numbers of the queue
    notifier <- RabbitMQ    its management API                     notifier -> EC2, ECS, Auto Scaling  idle machines
    all      -> InfluxDB    metrics, if there is one               worker   -> ECS, Auto Scaling       protection

The agents never call each other; `hfecs run` reads the same events. `common/` is what several of them use.
Each has its `main` in `main.py`. Grafana's container gets its files by `hfecs agent grafana-files`.
"""
