"""What a stack's page keeps as a secret is in no comment, not even as a part of a resource's name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.stack_config import secret_words
from tests.toolchain.checkout import Checkout, forget_pulumi_settings, make_checkout, run
from toolchain.environment import pulumi_environment

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
import pulumi_random

pulumi_random.RandomPassword(f"for-{pulumi.Config().require('word')}", length=9)
"""
CONNECTIONS = {"lab": {"endpoints": ["https://pve1:8006"], "token_id": "ci@pve!labs", "token_secret": "hunter23"}}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    forget_pulumi_settings(monkeypatch)
    checkout = make_checkout(tmp_path, PROGRAM)
    secrets = [("word", "hunter22"), ("connections", json.dumps(CONNECTIONS))]
    commands = [["stack", "init", "demo"]]
    commands += [["config", "set", "--stack", "demo", "--secret", *secret] for secret in secrets]
    for command in commands:
        done = run(["pulumi", *command, "--non-interactive"], checkout.root, pulumi_environment(checkout.root))
        assert done.returncode == 0, done.stderr
    return checkout


def test_secrets_of_a_page_are_masked_also_in_names_but_not_where_its_hosts_are(checkout: Checkout) -> None:
    assert set(secret_words(checkout.root, "demo")) == {"hunter22", "hunter23"}

    done = checkout.labs("report")

    assert done.returncode == 0, done.stderr
    assert r"for-\[secret\]" in done.stdout
    assert "hunter" not in done.stdout
