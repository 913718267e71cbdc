"""The client against a simulated host: what is sent again, where to, and for how long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from providers._runtime.client import Client
from providers._runtime.errors import ApiRefused, LoginRefused, TookTooLong, Unanswered, Unreachable
from tests.conftest import Simulator
from tests.runtime.doors import at_once, connection_to, counting, dead_endpoint, opened, requests_on, silent, soon

LOCK = "can't lock file '/var/lock/x' - got timeout"


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    """A client of the standalone host."""
    with opened(connection_to(simulator)) as made:
        yield made


def pools(simulator: Simulator) -> list[str]:
    """The pools that are on the host."""
    return [pool["poolid"] for pool in simulator.by_hand("GET", "/pools")]


def test_a_request_gives_proxmoxs_data(client: Client) -> None:
    assert client.request("GET", "/version", deadline=soon())["release"] == "9.2"


@pytest.mark.parametrize("status", [595, 596, 599, 502, 503, 504])
def test_a_status_that_passes_is_asked_again(client: Client, simulator: Simulator, status: int) -> None:
    simulator.fail(action="fail", path="/version", count=2, status=status)

    assert client.request("GET", "/version", deadline=soon())
    assert requests_on(simulator, "/version") == 3


@pytest.mark.parametrize(("status", "tries"), [(400, 1), (403, 1), (404, 1), (500, 1), (501, 1), (503, 6)])
def test_a_refusal_is_told_in_proxmoxs_words(client: Client, simulator: Simulator, status: int, tries: int) -> None:
    simulator.fail(action="fail", path="/version", count=99, status=status, reason="not today")

    with pytest.raises(ApiRefused, match=r"^not today \(GET /version, status") as refused:
        client.request("GET", "/version", deadline=soon())

    assert refused.value.status == status
    assert requests_on(simulator, "/version") == tries


def test_what_is_wrong_with_a_parameter_is_told_by_its_name(client: Client) -> None:
    with pytest.raises(ApiRefused, match="poolid: ") as refused:
        client.request("POST", "/pools", {"poolid": "not a name"}, deadline=soon())

    assert list(refused.value.errors) == ["poolid"]


def test_a_busy_lock_is_tried_again_also_by_a_post(client: Client, simulator: Simulator) -> None:
    simulator.fail(action="fail", path="/pools", method="POST", count=2, reason=LOCK)

    client.request("POST", "/pools", {"poolid": "prod"}, deadline=soon())

    assert pools(simulator) == ["prod"]
    assert requests_on(simulator, "/pools", "POST") == 3


def test_a_post_that_may_have_been_done_is_not_sent_again(client: Client, simulator: Simulator) -> None:
    simulator.fail(action="fail", path="/pools", method="POST", status=596)

    with pytest.raises(ApiRefused):
        client.request("POST", "/pools", {"poolid": "prod"}, deadline=soon())

    assert requests_on(simulator, "/pools", "POST") == 1


def test_a_post_without_an_answer_is_not_sent_again(client: Client, simulator: Simulator) -> None:
    simulator.fail(action="drop", path="/pools", method="POST")

    with pytest.raises(Unanswered, match=r"no answer to POST /pools from .*: Remote end closed connection without res"):
        client.request("POST", "/pools", {"poolid": "prod"}, deadline=soon())

    assert requests_on(simulator, "/pools", "POST") == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_is_the_same_twice_is_sent_again_without_an_answer(
    client: Client, simulator: Simulator, method: str
) -> None:
    simulator.by_hand("POST", "/pools", {"poolid": "prod"})
    simulator.forget_requests()
    simulator.fail(action="drop", path="/pools", method=method, count=2)

    client.request(method, "/pools", {"poolid": "prod"}, deadline=soon())

    assert requests_on(simulator, "/pools", method) == 3


def test_a_refused_token_is_one_line_and_asked_once(simulator: Simulator) -> None:
    wrong = "00000000-0000-0000-0000-000000000000"
    refused = pytest.raises(LoginRefused, match="connection 'lab': the API token was refused")
    with opened(connection_to(simulator, token_secret=wrong)) as client, refused as told:
        client.request("GET", "/version", deadline=soon())

    assert "\n" not in str(told.value)
    assert wrong not in str(told.value)
    assert requests_on(simulator, "/version") == 1


def test_a_dead_node_is_left_for_the_next_one_of_its_cluster(cluster: Simulator) -> None:
    alive = connection_to(cluster).endpoints
    with opened(connection_to(cluster, endpoints=[dead_endpoint(), *alive])) as client:
        for _ in range(3):
            client.request("GET", "/version", deadline=soon())

    assert requests_on(cluster, "/version") == 3


def test_a_node_that_stops_answering_is_left_too(cluster: Simulator) -> None:
    with silent() as mute:
        endpoints = [mute, *connection_to(cluster).endpoints]
        with opened(connection_to(cluster, endpoints=endpoints, request_timeout=0.3)) as client:
            assert client.request("GET", "/version", deadline=soon())


def test_a_node_that_loses_power_is_left_and_the_cluster_goes_on(cluster: Simulator) -> None:
    with opened(connection_to(cluster)) as client:
        client.request("GET", "/version", deadline=soon())
        cluster.control("POST", "nodes", {"node": "pve1", "online": False})

        assert client.request("GET", "/version", deadline=soon())


def test_many_that_find_a_node_dead_at_once_do_not_come_back_to_it(cluster: Simulator) -> None:
    endpoints = [dead_endpoint(), *connection_to(cluster).endpoints[:1]]
    with opened(connection_to(cluster, endpoints=endpoints), parallel=8) as client:
        at_once(8, lambda: client.request("GET", "/version", deadline=soon(), attempts=2))

    assert requests_on(cluster, "/version") == 8


def test_a_host_that_is_not_there_is_told_with_its_address(simulator: Simulator) -> None:
    dead = dead_endpoint()
    told = pytest.raises(Unreachable, match=f"{dead} can't be reached: .*Connection refused")
    with opened(connection_to(simulator, endpoints=[dead])) as client, told:
        client.request("GET", "/version", deadline=soon(), attempts=2)


def test_a_deadline_ends_the_waiting_for_an_answer(client: Client, simulator: Simulator) -> None:
    simulator.fail(action="delay", path="/version", seconds=3, count=9)
    began = time.monotonic()

    with pytest.raises(Unreachable, match="no answer to GET /version"):
        client.request("GET", "/version", deadline=soon(0.5))

    assert time.monotonic() - began < 2


def test_a_deadline_ends_the_trying_again_with_the_reason_at_hand(client: Client, simulator: Simulator) -> None:
    simulator.fail(action="fail", path="/version", count=99, reason=LOCK)
    began = time.monotonic()

    with pytest.raises(ApiRefused, match="got timeout"):
        client.request("GET", "/version", deadline=soon(0.5))

    assert time.monotonic() - began < 2


def test_after_the_deadline_nothing_is_sent(client: Client, simulator: Simulator) -> None:
    with pytest.raises(TookTooLong, match="before GET /version"):
        client.request("GET", "/version", deadline=soon(-1))

    assert requests_on(simulator, "/version") == 0


def test_each_worker_keeps_one_connection(simulator: Simulator) -> None:
    workers, rounds = 4, 12
    with counting(connection_to(simulator).endpoints[0]) as proxy, ExitStack() as stack:
        client = stack.enter_context(opened(connection_to(simulator, endpoints=[proxy.endpoint]), parallel=workers))
        at_once(workers, lambda: [client.request("GET", "/version", deadline=soon()) for _ in range(rounds)])

    assert requests_on(simulator, "/version") == workers * rounds
    assert proxy.connections <= workers


def test_heavy_tasks_wait_for_room_on_their_node_and_storage(simulator: Simulator) -> None:
    with opened(connection_to(simulator, limits={"node": 2, "storage": 1})) as client:

        def room(**where: str) -> bool:
            """Whether one more heavy task may begin there now."""
            try:
                with client.heavy(**where, deadline=soon(0.05)):
                    return True
            except TookTooLong:
                return False

        with client.heavy(node="pve1", storage="local"):
            assert not room(node="pve1", storage="local")
            with client.heavy(node="pve1", storage="other"):
                assert not room(node="pve1")
                assert room(node="pve2")
        assert room(node="pve1", storage="local")
