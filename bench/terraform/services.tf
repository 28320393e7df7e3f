# The ECS cluster, and what runs on it.

resource "aws_ecs_cluster" "this" {
  name = var.cluster_name
}

resource "aws_ecs_task_definition" "master" {
  family = "${var.cluster_name}-master"

  container_definitions = jsonencode([{
    name      = "master"
    image     = "rabbitmq:3.13-management"
    memory    = 256
    essential = true
    portMappings = [
      { containerPort = 5672, hostPort = 5672, protocol = "tcp" },
      { containerPort = 15672, hostPort = 15672, protocol = "tcp" },
    ]
    environment = [{ name = "CLUSTER_NAME", value = var.cluster_name }]
  }])
}

resource "aws_ecs_task_definition" "worker" {
  family = "${var.cluster_name}-worker"

  container_definitions = jsonencode([{
    name              = "worker"
    image             = "example.com/hyperflow-worker:1"
    memoryReservation = 500
    essential         = true
    privileged        = true
    environment = [
      { name = "AMQP_URL", value = "amqp://${aws_instance.master.public_dns}:5672" },
      { name = "FEATURE_DOWNLOAD", value = "DISABLED" },
    ]
    mountPoints = [
      { sourceVolume = "tmp", containerPath = "/tmp" },
      { sourceVolume = "docker", containerPath = "/var/run/docker.sock" },
    ]
  }])

  volume {
    name      = "tmp"
    host_path = "/tmp"
  }

  volume {
    name      = "docker"
    host_path = "/var/run/docker.sock"
  }
}

resource "aws_ecs_service" "master" {
  name            = "${var.cluster_name}-master"
  cluster         = aws_ecs_cluster.this.id
  task_definition = aws_ecs_task_definition.master.arn
  desired_count   = 1
}

resource "aws_ecs_service" "worker" {
  name            = "${var.cluster_name}-worker"
  cluster         = aws_ecs_cluster.this.id
  task_definition = aws_ecs_task_definition.worker.arn
  desired_count   = 2

  lifecycle {
    ignore_changes = [desired_count]
  }
}
