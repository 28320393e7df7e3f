from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hfecs.config import Config, Scaling
from hfecs.config import load as settings
from hfecs.errors import ConfigurationInvalid


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hfecs.toml"


def load(
    file: Path, environment: dict[str, str] | None = None, flags: dict[str, Any] | None = None, **local: Any
) -> Config:
    return settings.load(file, environment or {}, flags or {}, local)


def faults(*arguments: Any) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as raised:
        load(*arguments)
    return [line.strip() for line in raised.value.message.splitlines()[1:]]


def test_everything_has_a_default(file: Path) -> None:
    assert load(file) == Config()


def test_a_flag_goes_before_the_environment_that_before_the_file_and_that_before_the_default(file: Path) -> None:
    file.write_text('[cluster]\ninstance_type = "m5.file"\nname = "of-file"\n[scaling]\nasg_max = 7\n')
    environment = {"HFECS_CLUSTER_INSTANCE_TYPE": "m5.env", "HFECS_CLUSTER_NAME": "of-env"}

    config = load(file, environment, {"cluster.instance_type": "m5.flag"})

    assert config.cluster.instance_type == "m5.flag"
    assert config.cluster.name == "of-env"
    assert config.scaling.asg_max == 7
    assert config.ports.amqp == 5672


def test_a_flag_that_was_not_given_says_nothing(file: Path) -> None:
    file.write_text('[cluster]\nname = "of-file"\n')

    assert load(file, {}, {"cluster.name": None}).cluster.name == "of-file"


def test_what_the_local_cloud_says_of_itself_gives_way_to_the_file(file: Path) -> None:
    file.write_text('[images]\nworker = "mine"\n')

    config = settings.load(file, {}, {}, {"images.worker": "local", "images.hfecs": "local"})

    assert (config.images.worker, config.images.hfecs) == ("mine", "local")


def test_all_faults_are_told_at_once_each_with_its_place(file: Path) -> None:
    file.write_text('[cluster]\nname = "x"\n\n[ports]\namqp = "many"\n')
    environment = {"HFECS_WORKER_THREADS": "0"}

    told = faults(file, environment, {"scaling.asg_min": 9})

    assert len(told) == 3
    assert "hfecs.toml, line 5: ports.amqp should be a whole number, not 'many'" in " ".join(told)
    assert any(fault.startswith("HFECS_WORKER_THREADS: worker.threads should be") for fault in told)
    assert any(
        fault.startswith("--asg-min: in [scaling], asg_min <= asg_desired <= asg_max must hold") for fault in told
    )


@pytest.mark.parametrize(
    ("text", "line", "wrong", "right"),
    [
        ('[cluster]\n\ninstanse_type = "x"', 3, "cluster.instanse_type", "cluster.instance_type"),
        ("[skaling]\nasg_max = 3", 2, "skaling", "scaling"),
        ("[cluster]\nasg_max = 3", 2, "cluster.asg_max", "scaling.asg_max"),
        ('instance_type = "t2.micro"', 1, "instance_type", "cluster.instance_type"),
    ],
)
def test_an_unknown_key_is_told_with_its_line_and_the_nearest_name(
    file: Path, text: str, line: int, wrong: str, right: str
) -> None:
    file.write_text(text)

    (fault,) = faults(file)

    assert fault.startswith(f"hfecs.toml, line {line}: unknown key {wrong}; did you mean {right}")


def test_an_unknown_variable_is_told_with_the_nearest_name(file: Path) -> None:
    (fault,) = faults(file, {"HFECS_CLUSTER_INSTANSE_TYPE": "x"})

    assert "unknown key HFECS_CLUSTER_INSTANSE_TYPE" in fault
    assert "did you mean cluster.instance_type" in fault


def test_an_unknown_key_like_nothing_gets_no_advice(file: Path) -> None:
    file.write_text("[cluster]\nqqqqqq = 1\n")

    assert faults(file) == ["hfecs.toml, line 2: unknown key cluster.qqqqqq"]


def test_the_value_that_was_said_is_shown(file: Path) -> None:
    file.write_text('[cluster]\ninstance_type = "big one"\n')

    (fault,) = faults(file)

    assert fault.startswith("hfecs.toml, line 2: cluster.instance_type ")
    assert fault.endswith("not 'big one'")


@pytest.mark.parametrize("text", ['["192.0.2.0/24", "198.51.100.7/32"]', '[ "192.0.2.0/24","198.51.100.7/32" ]'])
def test_a_list_stands_in_the_environment_as_in_json(file: Path, text: str) -> None:
    config = load(file, {"HFECS_NETWORK_ADMIN_CIDRS": text})

    assert config.network.admin_cidrs == ["192.0.2.0/24", "198.51.100.7/32"]


def test_a_list_that_is_broken_is_a_fault_of_its_variable(file: Path) -> None:
    told = faults(file, {"HFECS_NETWORK_SUBNET_IDS": "[subnet-1"})

    assert told[0].startswith("HFECS_NETWORK_SUBNET_IDS: network.subnet_ids should be a list such as")


@pytest.mark.parametrize(("text", "value"), [("true", True), ("0", False), ("yes", True)])
def test_a_truth_value_stands_in_the_environment_as_a_word(file: Path, text: str, value: bool) -> None:
    assert load(file, {"HFECS_CLUSTER_INSIGHTS": text}).cluster.insights is value


def test_the_variables_that_the_pages_tell_of_can_be_set(file: Path) -> None:
    pages = (Path(__file__).parents[2] / "docs" / "local-cloud.md").read_text()
    told = re.findall(r"^\| `(HFECS_\w+)` \|", pages, flags=re.MULTILINE)

    assert "HFECS_LOCAL_TICK" in told
    assert load(file, dict.fromkeys(told, "1")) == Config()


def test_variables_that_steer_the_program_and_those_of_others_are_no_keys(file: Path) -> None:
    environment = dict.fromkeys(settings.NOT_KEYS, "x") | {"AWS_REGION": "x", "HOME": "x"}

    assert load(file, environment) == Config()


def test_a_file_that_is_not_toml_says_where(file: Path) -> None:
    file.write_text("[cluster]\nname = hyperflow\n")

    with pytest.raises(ConfigurationInvalid, match=r"hfecs\.toml is not TOML: .*line 2"):
        load(file)


def test_every_key_can_be_said_by_a_variable_of_its_own() -> None:
    names = settings.keys()

    variables = ["HFECS_" + name.replace(".", "_").upper() for name in names]

    assert len(set(variables)) == len(variables) > 20
    assert not set(variables) & set(settings.NOT_KEYS)


@pytest.mark.parametrize(
    "values",
    [
        {"scaling.asg_min": 3, "scaling.asg_desired": 2},
        {"scaling.asg_desired": 6, "scaling.asg_max": 5},
        {"scaling.alarm_period": 15},
        {"cluster.log_retention_days": 2},
        {"cluster.name": "1st"},
        {"cluster.name": "a" * 33},
        {"ports.amqp": 0},
        {"ports.amqp": 65536},
        {"run.bucket": "Capital"},
        {"network.admin_cidrs": "everybody"},
        {"worker.stop_timeout": 5},
    ],
)
def test_a_value_that_aws_would_not_take_is_refused_before_any_call(file: Path, values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationInvalid):
        load(file, {}, values)


def test_a_name_of_the_terraform_project_is_translated(file: Path) -> None:
    file.write_text('launch_config_instance_type = "t2.micro"\n')

    (fault,) = faults(file, {"HFECS_ALARM_THRESHOLD_HIGH": "700"})[:1]

    assert fault.endswith("the Terraform project's launch_config_instance_type is cluster.instance_type here")
    assert "alarm_threshold_high is scaling.threshold_high here" in faults(file, {"HFECS_ALARM_THRESHOLD_HIGH": "7"})[1]


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("ports.amqp", 70000, "ports.amqp should be between 1 and 65535, not 70000"),
        ("scaling.alarm_period", 15, "scaling.alarm_period should be 10, 20, 30, 60, 120, 180, 240 or 300, not 15"),
        ("cluster.insights", "maybe", "cluster.insights should be true or false, not 'maybe'"),
        ("cluster.instance_type", "big", "should be an EC2 instance type such as t2.micro, not 'big'"),
        ("cluster.ami_id", 3, 'should be a text in quotes, such as "text", not 3'),
        ("network.admin_cidrs", 4, """should be 'auto' or a list such as ["one", "two"], not 4"""),
        ("run.storage", "floppy", "run.storage should be 's3', 'nfs' or 'local', not 'floppy'"),
        ("worker.nfs_mount", "a:/b; reboot", "should be a server and a directory such as files.example.org:/data"),
        ("broker.amqp_url", "http://host", "broker.amqp_url should be a URL such as amqp://HOST:PORT"),
        ("scaling.worker_min", 9, "in [scaling], worker_min <= worker_desired <= worker_max must hold"),
        ("ports.amqp", 15672, "in [ports], amqp and management are both 15672"),
        ("ports.grafana", 8086, "in [ports], grafana and influxdb are both 8086"),
        ("ports.management", 22, "in [ports], management is 22, which ssh or the ECS agent of the machine has"),
        ("ports.influxdb", 51680, "in [ports], influxdb is 51680, which ssh or the ECS agent of the machine has"),
        ("run.storage", "nfs", 'in [run], workdir must be set when storage is "nfs"'),
        ("aws.task_access_key", "A", "task_access_key and task_secret_access_key must be set together"),
    ],
)
def test_a_fault_is_a_sentence_with_the_allowed_values(file: Path, key: str, value: object, sentence: str) -> None:
    (fault,) = faults(file, {}, {key: value})

    assert sentence in fault


def test_an_alarm_that_looks_back_for_more_than_a_day_is_refused(file: Path) -> None:
    for periods in ("idle_periods", "evaluation_periods"):
        values = {f"scaling.{periods}": 100, "scaling.alarm_period": 300}
        assert load(file, {}, values)

    (fault,) = faults(file, {}, {"scaling.idle_periods": 289, "scaling.alarm_period": 300})

    assert "in [scaling], idle_periods x alarm_period is 86700 seconds, and CloudWatch takes 86400 at most" in fault
    assert load(file, {}, {"scaling.idle_periods": 288, "scaling.alarm_period": 300})


def test_ports_of_the_broker_may_be_those_of_the_monitoring_which_has_a_machine_of_its_own(file: Path) -> None:
    assert load(file, {}, {"ports.amqp": 3000, "ports.management": 8086})


def test_a_secret_is_not_shown_even_if_it_is_wrong(file: Path) -> None:
    (fault,) = faults(file, {"HFECS_BROKER_AMQP_URL": "http://me:pass-word@host"})

    assert "pass-word" not in fault


def test_faults_are_told_in_the_order_of_the_file(file: Path) -> None:
    file.write_text('[worker]\nthreads = 0\n[aws]\ntarget = "moon"\n[cluster]\nname = "1"\n')

    assert [fault.partition(":")[0] for fault in faults(file)] == [f"hfecs.toml, line {line}" for line in (2, 4, 6)]


def test_any_key_can_be_set_on_the_command_line_over_the_environment(file: Path) -> None:
    config = settings.load(file, {"HFECS_SCALING_ASG_MAX": "6"}, {}, {}, ["scaling.asg_max=8", "network.subnet_ids=[]"])

    assert config.scaling.asg_max == 8


def test_an_assignment_of_nothing_is_refused(file: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="--set asg_max is not KEY=VALUE"):
        settings.load(file, {}, {}, {}, ["asg_max"])


@pytest.mark.parametrize(("key", "text", "value"), [("alarm_period", "30", 30), ("asg_max", "8", 8)])
def test_numbers_are_text_in_the_environment(file: Path, key: str, text: str, value: int) -> None:
    assert getattr(load(file, {f"HFECS_SCALING_{key.upper()}": text}).scaling, key) == value


@pytest.mark.parametrize(("word", "value"), [("ENABLED", True), ("disabled", False)])
def test_switches_may_be_written_as_in_the_terraform_project(file: Path, word: str, value: bool) -> None:
    assert load(file, {"HFECS_WORKER_FEATURE_DOWNLOAD": word}).worker.feature_download is value


def test_workers_follow_the_machines_unless_told_otherwise() -> None:
    alone, told = Scaling(asg_min=1, asg_desired=2, asg_max=3), Scaling(worker_min=1, worker_max=1000)

    assert (alone.workers, alone.one_worker_a_machine) == ((1, 2, 3), True)
    assert (told.workers, told.one_worker_a_machine) == ((1, 1, 1000), False)


def test_every_value_is_told_with_where_it_was_said(file: Path) -> None:
    file.write_text('[cluster]\nname = "of-file"\n')
    environment = {"HFECS_SCALING_ASG_MAX": "6", "HFECS_BROKER_AMQP_URL": "amqp://me:pass-word@host"}
    source = settings.gather(
        file, environment, {"cluster.instance_type": "t2.small"}, {"ports.amqp": 7}, ["run.bucket=abc"]
    )

    rows = {setting.key: setting.row()[1:] for setting in settings.effective(source)}

    assert set(rows) == set(settings.keys())
    assert rows["cluster.name"] == ("of-file", "hfecs.toml, line 2")
    assert rows["scaling.asg_max"] == ("6", "HFECS_SCALING_ASG_MAX")
    assert rows["cluster.instance_type"] == ("t2.small", "--instance-type")
    assert rows["run.bucket"] == ("abc", "--set run.bucket")
    assert rows["ports.amqp"] == ("7", "the local cloud")
    assert rows["worker.memory"] == ("500", "default")
    assert rows["broker.amqp_url"] == ("**********", "HFECS_BROKER_AMQP_URL")


def test_a_choice_of_numbers_takes_no_number_that_python_cannot_read(file: Path) -> None:
    told = faults(file, {"HFECS_CLUSTER_MASTER_COUNT": "9" * 5000})

    assert told[0].startswith("HFECS_CLUSTER_MASTER_COUNT: cluster.master_count should be 0 or 1, not ")


def test_lists_that_stand_too_deep_in_each_other_are_told(file: Path) -> None:
    file.write_text(f"x = {'[' * 5000}")
    with pytest.raises(ConfigurationInvalid, match="nested too deeply"):
        load(file)

    assert faults(file.with_name("none"), {"HFECS_NETWORK_SUBNET_IDS": "[" * 100_000})[0].startswith("HFECS_NETWORK")


def test_a_number_that_python_cannot_read_is_no_toml(file: Path) -> None:
    file.write_text(f"[scaling]\nasg_max = {'9' * 5000}")

    with pytest.raises(ConfigurationInvalid, match="is not TOML"):
        load(file)


def test_of_a_long_value_only_the_beginning_is_told(file: Path) -> None:
    assert len(faults(file, {"HFECS_CLUSTER_NAME": "x" * 100_000})[0]) < 300

    with pytest.raises(ConfigurationInvalid) as raised:
        settings.load(file, {}, {}, {}, ["x" * 100_000])
    assert len(raised.value.message) < 300


@pytest.mark.parametrize("name", ["a..b", "a.-b", "a-.b", "192.168.0.1", "xn--abc", "ab", "Abc"])
def test_a_bucket_that_aws_would_not_make_is_no_bucket(file: Path, name: str) -> None:
    assert faults(file, {"HFECS_RUN_BUCKET": name})[0].startswith("HFECS_RUN_BUCKET: run.bucket should be 3 to 63")


@pytest.mark.parametrize("name", ["abc", "terraform-3344", "a.b-c.d", "1st", "192.168.0.1a"])
def test_a_bucket_that_aws_makes_is_one(file: Path, name: str) -> None:
    assert load(file, {"HFECS_RUN_BUCKET": name}).run.bucket == name


@pytest.mark.parametrize("image", ["Two Words", "-rm", "żółw", ""])
def test_what_is_no_image_is_told(file: Path, image: str) -> None:
    file.write_text(f'[images]\nworker = "{image}"')

    assert "images.worker should be a container image" in faults(file)[0]
