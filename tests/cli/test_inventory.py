"""`proxmox-labs inventory`, on a small checkout whose stack exports a lab."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import yaml

from tests.toolchain.checkout import Checkout, forget_pulumi_settings, make_checkout

PROGRAM = """
import pulumi

ssh = {"user": "ansible", "address": "10.7.0.9", "port": 22}
guest = {"type": "qemu", "vmid": 100, "node": "pve", "host": "pve", "groups": ["web"], "ssh": ssh}
told = {
    "version": 1,
    "kind": "small",
    "hosts": {"pve": {"node": "pve", "address": "192.0.2.1"}},
    "guests": {"web-1": {"name": "web-1", **guest}},
    "files": {"globals.yml": "what: so"},
    "credentials": {"guests": {"user": "ansible", "password": pulumi.Output.secret("hunter2")}},
    "secret_files": {"answer.toml": pulumi.Output.secret("hunter3")},
}
for name, value in told.items():
    pulumi.export(name, value)
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    forget_pulumi_settings(monkeypatch)
    return make_checkout(tmp_path, PROGRAM)


def asked(checkout: Checkout, *flags: str) -> str:
    """What it prints."""
    done = checkout.labs("inventory", *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(checkout: Checkout, *flags: str) -> str:
    """What it says when it can't: one line."""
    done = checkout.labs("inventory", *flags)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.engine
def test_a_lab_is_handed_over_as_its_stack_tells_of_it_and_secrets_where_they_are_asked_for(checkout: Checkout) -> None:
    assert "the stack demo has not been brought up here" in refused(checkout)
    assert checkout.labs("up").returncode == 0

    rows = {row.split()[0]: row.split(maxsplit=1)[1] for row in asked(checkout).splitlines()}
    assert rows["ansible"].startswith("Ansible: an inventory")
    assert rows["opnsense"] == "nothing: no guest has a fixed address in a network with DHCP"
    assert rows["globals.yml"] == "a file of the lab itself"
    assert "answer.toml" not in rows

    plain = asked(checkout, "--format", "ansible")
    assert yaml.safe_load(plain)["all"]["hosts"]["web-1"]["ansible_host"] == "10.7.0.9"
    assert "hunter" not in plain
    nothing = refused(checkout, "--format", "opnsense")
    assert (
        nothing == "error: the stack demo has nothing for opnsense: no guest has a fixed address in a network with DHCP"
    )

    out = checkout.home / "out"
    assert asked(checkout, "--format", "ansible", "--out", str(out), "--secrets") == f"wrote {out}/inventory.yaml\n"
    assert "hunter2" in (out / "inventory.yaml").read_text()
    assert stat.S_IMODE(os.stat(out / "inventory.yaml").st_mode) == 0o600
    assert asked(checkout, "--format", "answer.toml", "--secrets") == "hunter3"
    assert checkout.git_status() == ""
