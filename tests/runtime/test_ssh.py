"""Commands and files over SSH, on a simulated node."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from providers._runtime.connection import Connection, SshAccess
from providers._runtime.errors import CommandFailed, ConfigProblem, LoginRefused, NotTrusted, TookTooLong, Unreachable
from providers._runtime.ssh import Ssh
from tests.conftest import Simulator
from tests.runtime.doors import access_to, at_once, connection_to, password_of, soon


def ssh_to(simulator: Simulator, **changes: Any) -> Ssh:
    """A door to them."""
    return Ssh("lab", connection_to(simulator, ssh=access_to(simulator, **changes)))


def pinned(simulator: Simulator, host_key: str) -> dict[str, Any]:
    """The node's address with another key."""
    hosts: dict[str, Any] = access_to(simulator)["hosts"]
    return {node: {**host, "host_key": host_key} for node, host in hosts.items()}


@pytest.fixture
def ssh(simulator: Simulator) -> Ssh:
    """A door to a standalone host."""
    return ssh_to(simulator)


def test_a_command_tells_its_output_and_how_it_ended(ssh: Ssh) -> None:
    done = ssh.run("pve1", ["sh", "-c", "echo out; echo problem >&2; exit 3"], deadline=soon())

    assert (done.code, done.out, done.error) == (3, b"out\n", b"problem\n")


def test_words_reach_the_command_as_they_are(ssh: Ssh) -> None:
    words = ["a b", "$HOME", "it's", "*", ""]

    done = ssh.check("pve1", ["echo", *words], deadline=soon())

    assert done.decode() == " ".join(words) + "\n"


def test_what_is_secret_goes_in_by_the_input(ssh: Ssh) -> None:
    assert ssh.check("pve1", ["cat"], b"a secret" * 100_000, deadline=soon()) == b"a secret" * 100_000


def test_a_command_that_fails_is_told_with_the_end_of_what_it_said(ssh: Ssh) -> None:
    with pytest.raises(CommandFailed, match=r"^`cat` on pve1 ended with 1: .*/no/such: No such file or directory$"):
        ssh.check("pve1", ["cat", "/no/such"], deadline=soon())


def test_a_file_is_written_whole_and_read_back(ssh: Ssh) -> None:
    data = bytes(range(256)) * 4096

    ssh.write("pve1", "/var/lib/vz/snippets/it.yaml", data, 0o600, deadline=soon())

    assert ssh.read("pve1", "/var/lib/vz/snippets/it.yaml", deadline=soon()) == data
    listed = ssh.check("pve1", ["ls", "-A", "/var/lib/vz/snippets"], deadline=soon())
    assert listed == b"it.yaml\n", "nothing is left beside it"
    ssh.remove("pve1", "/var/lib/vz/snippets/it.yaml", deadline=soon())
    ssh.remove("pve1", "/var/lib/vz/snippets/it.yaml", deadline=soon())
    assert ssh.read("pve1", "/var/lib/vz/snippets/it.yaml", deadline=soon()) is None


def test_a_file_that_has_no_folder_is_refused_in_one_line(ssh: Ssh) -> None:
    with pytest.raises(CommandFailed, match="SFTP on pve1 ended with 1"):
        ssh.write("pve1", "/no/such/folder/it", b"x", deadline=soon())


def test_many_threads_share_one_connection(ssh: Ssh) -> None:
    def work() -> None:
        for _ in range(6):  # what ends at once has closed its channel while we still speak to it
            assert ssh.check("pve1", ["echo", "hello"], deadline=soon(60)) == b"hello\n"

    at_once(24, work)


def test_a_host_key_that_is_not_the_pinned_one_is_not_trusted(simulator: Simulator) -> None:
    wrong = f"SHA256:{'A' * 43}"

    with pytest.raises(NotTrusted, match=r"pve1 .*not the pinned one: SHA256:\S+; if the node was installed anew"):
        ssh_to(simulator, hosts=pinned(simulator, wrong)).run("pve1", ["true"], deadline=soon())


def test_a_host_key_may_be_pinned_by_its_fingerprint(simulator: Simulator) -> None:
    simulated = next(iter(simulator.running.connections.values()))
    ssh = ssh_to(simulator, hosts=pinned(simulator, simulated.ssh["pve1"].host_key))

    assert ssh.run("pve1", ["true"], deadline=soon()).code == 0


def test_the_key_may_be_given_as_a_text_and_a_password_instead(simulator: Simulator) -> None:
    key = Path(access_to(simulator)["private_key_file"]).read_text()
    by_text = ssh_to(simulator, private_key_file=None, private_key=key)
    by_password = ssh_to(simulator, private_key_file=None, password=password_of(simulator))

    for ssh in (by_text, by_password):
        assert ssh.run("pve1", ["true"], deadline=soon()).code == 0


def test_a_wrong_password_is_told(simulator: Simulator) -> None:
    ssh = ssh_to(simulator, private_key_file=None, password="wrong")

    with pytest.raises(LoginRefused, match="SSH on pve1 refused the login of root"):
        ssh.run("pve1", ["true"], deadline=soon())


def test_a_node_that_is_off_can_t_be_reached(cluster: Simulator) -> None:
    cluster.control("POST", "nodes", {"node": "pve2", "online": False})

    with pytest.raises((Unreachable,), match="pve2"):
        ssh_to(cluster).run("pve2", ["true"], deadline=soon())


def test_what_has_no_end_is_given_up_in_time(ssh: Ssh) -> None:
    assert ssh.run("pve1", ["true"], deadline=soon()).code == 0
    began = time.monotonic()

    with pytest.raises(TookTooLong):
        ssh.run("pve1", ["true"], deadline=began - 1)
    assert time.monotonic() - began < 2


def test_a_connection_without_ssh_says_what_is_missing(simulator: Simulator) -> None:
    ssh = Ssh("lab", connection_to(simulator))

    assert not ssh.available
    with pytest.raises(ConfigProblem, match="connection 'lab' has no `ssh`, and this needs it"):
        ssh.run("pve1", ["true"], deadline=soon())


def test_a_node_that_the_connection_does_not_name_is_told_with_those_that_it_does(ssh: Ssh) -> None:
    with pytest.raises(ConfigProblem, match=r"ssh\.hosts has no 'pve9'; it has pve1"):
        ssh.run("pve9", ["true"], deadline=soon())


@pytest.mark.parametrize(
    ("access", "wrong"),
    [
        ({"hosts": {}}, "at least 1"),
        ({"password": None}, "give one of private_key, private_key_file and password"),
        ({"private_key": "x"}, "give one of private_key, private_key_file and password"),
        ({"hosts": {"pve1": {"address": "pve1", "host_key": "trust me"}}}, "host_key"),
    ],
)
def test_an_access_that_can_t_work_is_refused(access: dict[str, Any], wrong: str) -> None:
    good = {"password": "x", "hosts": {"pve1": {"address": "pve1", "host_key": f"SHA256:{'A' * 43}"}}}
    values = {name: value for name, value in {**good, **access}.items() if value is not None}

    with pytest.raises(ValidationError, match=wrong):
        SshAccess.model_validate(values)


def test_no_secret_is_shown(simulator: Simulator) -> None:
    access = SshAccess.model_validate(access_to(simulator, private_key_file=None, password=SecretStr("a secret")))

    assert "a secret" not in repr(access) + str(access)
    assert "a secret" not in repr(Connection.model_validate(json.loads(_as_config(simulator))))


def _as_config(simulator: Simulator) -> str:
    hosts = access_to(simulator)["hosts"]
    connection = {"endpoints": ["pve1"], "token_id": "a@pve!b", "token_secret": "x"}
    return json.dumps({**connection, "ssh": {"password": "a secret", "hosts": hosts}})
