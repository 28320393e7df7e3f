from __future__ import annotations

import socket

from hfecs.local.daemon import claim, free_port


def test_two_clouds_get_two_networks() -> None:
    first, second = claim(start=7), claim(start=7)

    try:
        assert first.number != second.number
        assert first.endpoint_url.startswith(f"http://127.{first.number}.0.1:")
        assert first.cidr == f"127.{first.number}.0.0/16"
    finally:
        first.listener.close()
        second.listener.close()


def test_a_port_on_which_another_program_listens_everywhere_is_left_to_it() -> None:
    with socket.create_server(("", 0)) as other:
        taken = other.getsockname()[1]

        assert free_port(taken) != taken


def test_a_port_that_is_used_at_one_address_only_is_free_for_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        used = other.getsockname()[1]

        assert free_port(used) == used
