# The `infrastructure/` part of the original project, in a configuration of our own: the 20 things it creates, with its
# default values, and a launch template where it had a launch configuration (new accounts can't create those).

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

# Region, keys and endpoint come from the environment: AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL.
provider "aws" {}

variable "ami_id" {
  type        = string
  description = "Machine image of the master and of the group's instances"
}

variable "cluster_name" {
  type    = string
  default = "bench"
}

variable "instance_type" {
  type    = string
  default = "t2.micro"
}

locals {
  user_data = base64encode("#!/bin/sh\necho ECS_CLUSTER=${var.cluster_name} >> /etc/ecs/ecs.config\n")
}

resource "aws_security_group" "machines" {
  name        = "${var.cluster_name}-machines"
  description = "Broker, its management page and SSH"

  dynamic "ingress" {
    for_each = [22, 5672, 15672]
    content {
      from_port   = ingress.value
      to_port     = ingress.value
      protocol    = "tcp"
      cidr_blocks = ["10.0.0.0/8"]
    }
  }

  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_instance" "master" {
  ami                         = var.ami_id
  instance_type               = var.instance_type
  iam_instance_profile        = aws_iam_instance_profile.machine.name
  vpc_security_group_ids      = [aws_security_group.machines.id]
  user_data_base64            = local.user_data
  associate_public_ip_address = true
}

resource "aws_launch_template" "worker" {
  name                   = "${var.cluster_name}-worker"
  image_id               = var.ami_id
  instance_type          = var.instance_type
  user_data              = local.user_data
  vpc_security_group_ids = [aws_security_group.machines.id]

  iam_instance_profile {
    name = aws_iam_instance_profile.machine.name
  }
}

data "aws_availability_zones" "all" {
  state = "available"
}

resource "aws_autoscaling_group" "workers" {
  name               = "${var.cluster_name}-workers"
  availability_zones = data.aws_availability_zones.all.names
  min_size           = 0
  max_size           = 5
  desired_capacity   = 0

  launch_template {
    id      = aws_launch_template.worker.id
    version = aws_launch_template.worker.latest_version
  }

  lifecycle {
    ignore_changes = [desired_capacity]
  }
}
