from __future__ import annotations

from hfecs.local.stand_ins.rabbitmq import configuration


def test_the_node_listens_at_the_machine_on_the_host_ports_only() -> None:
    environment = {
        "HFECS_ADDRESS": "127.16.0.4",
        "HFECS_PORTS": "5672:5673,15672:15673",
        "RABBITMQ_DEFAULT_USER": "hyperflow",
        "RABBITMQ_DEFAULT_PASS": "sesame",
    }

    lines = configuration(environment).splitlines()

    assert "listeners.tcp.1 = 127.16.0.4:5673" in lines
    assert "management.tcp.ip = 127.16.0.4" in lines
    assert "management.tcp.port = 15673" in lines
    assert "default_user = hyperflow" in lines
    assert "default_pass = sesame" in lines


def test_without_settings_it_has_those_of_the_official_image() -> None:
    lines = configuration({"HFECS_ADDRESS": "127.16.0.4"}).splitlines()

    assert "listeners.tcp.1 = 127.16.0.4:5672" in lines
    assert "default_user = guest" in lines
