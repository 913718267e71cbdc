"""Consoles: who may open one, for how long its ticket is good, and that a port is given out once."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import ApiError, PermissionDenied
from tests.simulator.guest_bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A host with a machine 101 and a container 102, on a clock that stands still."""
    made = Bench.open(tmp_path)
    made.ok("POST", "qemu/9000/clone", newid=101, name="web")
    made.container(102)
    made.hold()
    return made


def test_a_machines_screen_is_opened_with_a_password_that_begins_the_ticket(bench: Bench) -> None:
    opened = bench.call("POST", "qemu/101/vncproxy", websocket=1)
    assert opened.keys() == {"cert", "upid", "port", "user", "ticket", "password"}
    assert opened["cert"].startswith("-----BEGIN CERTIFICATE-----")
    assert (opened["port"], opened["user"]) == ("5900", "root@pam!labs")
    assert opened["ticket"][:9] == f"{opened['password']}:"
    assert ":vncproxy:101:root@pam!labs:" in opened["upid"]
    ticket = opened["ticket"]
    assert bench.call("GET", "qemu/101/vncwebsocket", port=5900, vncticket=ticket) == {"port": "5900"}


def test_each_console_waits_on_a_port_of_its_own_for_a_while(bench: Bench) -> None:
    first = bench.call("POST", "lxc/102/termproxy")
    second = bench.call("POST", "/nodes/pve1/termproxy")
    assert (first["port"], second["port"]) == ("5900", "5901")
    bench.pass_time(0)
    bench.pass_time(11)
    assert bench.task(first["upid"]).exitstatus == "connection timed out"
    assert bench.call("POST", "lxc/102/termproxy")["port"] == "5900"


def test_a_ticket_is_for_one_path_and_not_for_long(bench: Bench) -> None:
    opened = bench.call("POST", "lxc/102/termproxy")
    here = {"port": 5900, "vncticket": opened["ticket"]}
    assert bench.call("GET", "lxc/102/vncwebsocket", **here) == {"port": "5900"}
    for path in ("qemu/101/vncwebsocket", "/nodes/pve1/vncwebsocket"):
        with pytest.raises(ApiError, match="invalid PVEVNC ticket") as refused:
            bench.call("GET", path, **here)
        assert refused.value.status == 401
    bench.pass_time(41)
    with pytest.raises(ApiError, match="invalid PVEVNC ticket"):
        bench.call("GET", "lxc/102/vncwebsocket", **here)


def test_a_consoles_server_asks_whether_a_ticket_is_good(bench: Bench) -> None:
    ticket = bench.call("POST", "lxc/102/termproxy")["ticket"]
    good = {"authid": "root@pam!labs", "path": "/vms/102", "privs": "VM.Console", "vncticket": ticket}
    assert bench.call("POST", "/access/vncticket", **good) is None
    for wrong in ({"authid": "anna@pve"}, {"path": "/vms/101"}, {"vncticket": "PVEVNC:0::x"}):
        with pytest.raises(ApiError, match="authentication failure") as refused:
            bench.call("POST", "/access/vncticket", **good | wrong)
        assert refused.value.status == 401


def test_a_serial_terminal_needs_a_port_of_that_kind(bench: Bench) -> None:
    assert bench.call("POST", "qemu/101/termproxy")["port"] == "5900"
    with pytest.raises(ApiError, match="serial interface 'serial1' is not configured"):
        bench.call("POST", "qemu/101/termproxy", serial="serial1")
    bench.call("PUT", "qemu/101/config", vga="std")
    with pytest.raises(ApiError, match="unable to find a serial interface"):
        bench.call("POST", "qemu/101/termproxy")
    with pytest.raises(ApiError, match="does not exist"):
        bench.call("POST", "qemu/999/vncproxy")


def test_a_spice_viewer_gets_all_that_it_needs(bench: Bench) -> None:
    with pytest.raises(ApiError, match="VM 101 not running"):
        bench.call("POST", "qemu/101/spiceproxy")
    bench.call("PUT", "qemu/101/config", vga="qxl")
    bench.call("POST", "qemu/101/status/start")
    bench.pass_time(0)
    bench.pass_time(5)
    settings = bench.call("POST", "qemu/101/spiceproxy", proxy="198.51.100.1")
    assert (settings["type"], settings["title"]) == ("spice", "VM 101 - web")
    assert settings["proxy"] == "http://198.51.100.1:3128"
    assert settings["host"].startswith("pvespiceproxy:")
    assert len(settings["password"]) == 40
    assert bench.call("POST", "lxc/102/spiceproxy")["title"] == "CT 102"
    assert bench.call("POST", "/nodes/pve1/spiceshell")["title"] == "Shell on 'pve1'"


def test_a_nodes_shell_is_for_its_own_users_only(bench: Bench) -> None:
    bench.call("POST", "/access/users", userid="anna@pve")
    bench.call("POST", "/access/users", userid="otto@pam")
    tokens = {
        user: bench.call("POST", f"/access/users/{user}/token/tok", privsep=0)["value"]
        for user in ("anna@pve", "otto@pam")
    }
    anna, otto = (bench.by(f"{user}!tok={secret}") for user, secret in tokens.items())
    with pytest.raises(PermissionDenied):
        anna("POST", "/nodes/pve1/termproxy")
    bench.call("PUT", "/access/acl", path="/", users="anna@pve,otto@pam", roles="Administrator")
    with pytest.raises(PermissionDenied, match="realm != pam"):
        anna("POST", "/nodes/pve1/termproxy")
    assert otto("POST", "/nodes/pve1/vncshell", websocket=1)["user"] == "otto@pam!tok"
    with pytest.raises(PermissionDenied, match="user != root@pam"):
        otto("POST", "/nodes/pve1/vncshell", cmd="upgrade")
    assert anna("POST", "lxc/102/vncproxy")["user"] == "anna@pve!tok"
