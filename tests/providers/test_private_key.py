"""Private keys: made once, in forms that others read, and in the state as secrets alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from providers._runtime.model import canonical
from providers.private_key import PrivateKeyInputs
from tests.conftest import Simulator
from tests.engine import Program, Resource
from tests.providers.guests import Driver

LASTING = "a key is in the state alone, where nobody else changes or removes it: test_private_key.py tells its life"
EXAMPLE: dict[str, Any] = {"algorithm": "rsa", "bits": 2048}
UPDATES: list[dict[str, Any]] = [{**EXAMPLE, "triggers": {"leaked": "2026-11"}}]
DRIFT: list[tuple[str, str, dict[str, Any]]] = []
KINDS = pytest.mark.parametrize("args", [{}, {"algorithm": "ed25519"}, EXAMPLE])


@pytest.fixture
def key(simulator: Simulator) -> Driver:
    """A key of a program."""
    return Driver(simulator, "private_key")


@KINDS
def test_all_forms_are_the_same_key(key: Driver, args: dict[str, Any]) -> None:
    made = key.up(args)

    by_pem = load_pem_private_key(made["private_key_pem"].encode(), None)
    by_ssh = load_ssh_private_key(made["private_key_openssh"].encode(), None)
    line = by_pem.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert line == by_ssh.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert line == made["public_key_openssh"]
    assert (
        by_pem.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        == made["public_key_pem"]
    )
    assert isinstance(by_pem, RSAPrivateKey) is ("bits" in args)


def test_it_stays_the_same_until_one_of_the_triggers_changes(key: Driver) -> None:
    first = key.up({})["fingerprint"]
    assert key.drift() == {}
    assert key.up({})["fingerprint"] == first

    renewed = key.up({"triggers": {"leaked": "yes"}})["fingerprint"]

    assert renewed != first
    assert key.up({"triggers": {"leaked": "yes"}})["fingerprint"] == renewed


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"bits": 4096}, "bits"), ({"algorithm": "rsa", "bits": 1024}, "bits"), ({"adopt": "if-exists"}, "adopt")],
)
def test_what_can_not_be_is_refused(wrong: dict[str, Any], field: str) -> None:
    ((name, why),) = canonical(PrivateKeyInputs, wrong, frozenset())[1]

    assert (name or why.partition(":")[0]) == field


@pytest.mark.engine
def test_it_is_made_once_and_never_stands_anywhere_in_plain_words(program: Program) -> None:
    program.declare({"it": Resource("providers.private_key.PrivateKey", {})})
    first = program.up()
    assert first.changes == {"create": 1}, first.text
    before = program.state()["it"]["outputs"]

    assert (program.up().changes, program.refresh().changes) == ({}, {})

    after = program.state()["it"]["outputs"]
    assert after["fingerprint"] == before["fingerprint"]
    assert "PRIVATE KEY" not in first.text + json.dumps(after)
    assert program.destroy().changes == {"delete": 1}
