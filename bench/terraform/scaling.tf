# Instances and workers, one more or one fewer at a time, by the length of the broker's queue.

locals {
  steps = { up = 1, down = -1 }
}

resource "aws_autoscaling_policy" "instances" {
  for_each               = local.steps
  name                   = "${var.cluster_name}-instances-${each.key}"
  autoscaling_group_name = aws_autoscaling_group.workers.name
  adjustment_type        = "ChangeInCapacity"
  scaling_adjustment     = each.value
  cooldown               = 600
}

resource "aws_appautoscaling_target" "workers" {
  service_namespace  = "ecs"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.worker.name}"
  scalable_dimension = "ecs:service:DesiredCount"
  role_arn           = aws_iam_role.scaling.arn
  min_capacity       = 1
  max_capacity       = 1000
}

resource "aws_appautoscaling_policy" "workers" {
  for_each           = local.steps
  name               = "${var.cluster_name}-workers-${each.key}"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.workers.service_namespace
  resource_id        = aws_appautoscaling_target.workers.resource_id
  scalable_dimension = aws_appautoscaling_target.workers.scalable_dimension

  step_scaling_policy_configuration {
    adjustment_type         = "ChangeInCapacity"
    cooldown                = 300
    metric_aggregation_type = "Average"

    step_adjustment {
      scaling_adjustment          = each.value
      metric_interval_lower_bound = each.key == "up" ? 0 : null
      metric_interval_upper_bound = each.key == "up" ? null : 0
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "queue" {
  for_each = {
    up   = { word = "high", comparison = "GreaterThanThreshold", threshold = 700 }
    down = { word = "low", comparison = "LessThanThreshold", threshold = 0 }
  }

  alarm_name          = "${var.cluster_name}-queue-${each.value.word}"
  namespace           = "hyperflow"
  metric_name         = "QueueLength"
  dimensions          = { ClusterName = var.cluster_name }
  statistic           = "Average"
  period              = 10
  evaluation_periods  = 1
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold

  alarm_actions = [
    aws_autoscaling_policy.instances[each.key].arn,
    aws_appautoscaling_policy.workers[each.key].arn,
  ]
}
