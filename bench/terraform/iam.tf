# What the machines may do, and what Application Auto Scaling may do with the worker service.

data "aws_iam_policy_document" "assume" {
  for_each = toset(["ec2", "application-autoscaling"])

  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["${each.key}.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "machine" {
  statement {
    resources = ["*"]
    actions = [
      "ecs:DeregisterContainerInstance",
      "ecs:DiscoverPollEndpoint",
      "ecs:Poll",
      "ecs:RegisterContainerInstance",
      "ecs:StartTelemetrySession",
      "ecs:Submit*",
      "cloudwatch:PutMetricData",
      "logs:CreateLogStream",
      "logs:PutLogEvents",
    ]
  }
}

resource "aws_iam_role" "machine" {
  name               = "${var.cluster_name}-machine"
  assume_role_policy = data.aws_iam_policy_document.assume["ec2"].json
}

resource "aws_iam_role" "scaling" {
  name               = "${var.cluster_name}-scaling"
  assume_role_policy = data.aws_iam_policy_document.assume["application-autoscaling"].json
}

resource "aws_iam_role_policy" "machine" {
  name   = "machine"
  role   = aws_iam_role.machine.id
  policy = data.aws_iam_policy_document.machine.json
}

resource "aws_iam_instance_profile" "machine" {
  name = "${var.cluster_name}-machine"
  role = aws_iam_role.machine.name
}
