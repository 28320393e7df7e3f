from calls import Call, by_operation, longest_chain, operation_of, seconds_without_calls, service_of


def call(start: float, end: float, operation: str = "DescribeVpcs", status: int = 200) -> Call:
    return Call("ec2", operation, start, end, status)


def test_the_longest_chain_takes_the_most_calls_that_do_not_overlap() -> None:
    long, first, second, third = call(0, 10), call(0, 2), call(2, 5), call(6, 9)

    chain = longest_chain([long, third, first, second])

    assert chain == [first, second, third]


def test_calls_side_by_side_are_a_chain_of_one() -> None:
    assert len(longest_chain([call(0, 1), call(0.1, 1.1), call(0.2, 1.2)])) == 1


def test_no_calls_make_an_empty_chain() -> None:
    assert longest_chain([]) == []


def test_the_clients_own_time_is_that_without_any_call_under_way() -> None:
    calls = [call(1, 3), call(2, 4), call(5, 6)]

    assert seconds_without_calls(calls, 0, 8) == 1 + 1 + 2


def test_a_call_is_changing_unless_its_name_says_that_it_reads() -> None:
    names = ["CreateCluster", "Put bucket", "DescribeVpcs", "GetRole", "ListRoles", "Head bucket", "Get object"]

    assert [name for name in names if call(0, 1, name).changing] == ["CreateCluster", "Put bucket"]


def test_operations_are_counted_with_their_errors() -> None:
    calls = [call(0, 1, "GetRole", 404), call(1, 2, "GetRole"), call(2, 3, "CreateRole")]

    assert by_operation(calls) == [("ec2 GetRole", 2, 1), ("ec2 CreateRole", 1, 0)]


def test_the_service_is_read_from_the_signature() -> None:
    signed = {"HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=key/20250101/us-east-1/ecs/aws4_request, Sign..."}

    assert service_of(signed) == "ecs"
    assert service_of({}) == "unsigned"


def test_operations_are_read_from_each_of_the_protocols() -> None:
    post = {"REQUEST_METHOD": "POST", "PATH_INFO": "/"}
    form = {"CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8"}
    cbor = {"PATH_INFO": "/service/GraniteServiceVersion20100801/operation/PutMetricAlarm"}
    policy = {"REQUEST_METHOD": "PUT", "PATH_INFO": "/bucket", "QUERY_STRING": "policy"}

    assert operation_of(post | {"HTTP_X_AMZ_TARGET": "Some_2014.CreateCluster"}, b"{}") == "CreateCluster"
    assert operation_of(post | form, b"Action=RunInstances&Version=1") == "RunInstances"
    assert operation_of(post | cbor, b"") == "PutMetricAlarm"
    assert operation_of(policy, b"") == "Put bucket?policy"
    assert operation_of({"REQUEST_METHOD": "GET", "PATH_INFO": "/bucket/a/b"}, b"") == "Get object"
