import json

from moto_patches import ECS, SCALING, ScalingTags, mended


def test_ecs_services_lose_an_empty_network_configuration_and_keep_a_full_one() -> None:
    full = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    answer = {"services": [{"networkConfiguration": {}, "deployments": [{"networkConfiguration": full}]}]}

    service = json.loads(mended(ECS + "DescribeServices", json.dumps(answer).encode()))["services"][0]

    assert "networkConfiguration" not in service
    assert service["deployments"][0]["networkConfiguration"] == full
    assert service["availabilityZoneRebalancing"] == "DISABLED"


def test_group_policies_are_enabled_and_not_predictive() -> None:
    answer = (
        b"<DescribePoliciesResult><PolicyARN>a</PolicyARN><PredictiveScalingConfiguration/></DescribePoliciesResult>"
    )

    assert mended("", answer) == (
        b"<DescribePoliciesResult><PolicyARN>a</PolicyARN><Enabled>true</Enabled></DescribePoliciesResult>"
    )


def test_other_answers_stay_as_they_are() -> None:
    assert mended(ECS + "DescribeClusters", b'{"clusters": []}') == b'{"clusters": []}'


def test_tags_of_a_scalable_target_are_listed_changed_and_removed() -> None:
    tags = ScalingTags()
    tags.remember(
        SCALING + "RegisterScalableTarget", b'{"Tags": {"a": "1", "b": "2"}}', b'{"ScalableTargetARN": "arn"}'
    )

    tags.answer(SCALING + "TagResource", b'{"ResourceARN": "arn", "Tags": {"a": "3"}}')
    tags.answer(SCALING + "UntagResource", b'{"ResourceARN": "arn", "TagKeys": ["b"]}')

    assert tags.answer(SCALING + "ListTagsForResource", b'{"ResourceARN": "arn"}') == b'{"Tags": {"a": "3"}}'
    assert tags.answer(SCALING + "DescribeScalableTargets", b"{}") is None
