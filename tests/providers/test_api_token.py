"""API tokens: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers._runtime.errors import AlreadyThere, LoginRefused
from tests.conftest import Simulator
from tests.engine import Program, Resource
from tests.providers.guests import Driver
from tests.runtime.doors import connection_to, opened, soon

SETUP: list[tuple[str, str, dict[str, Any]]] = [("POST", "/access/users", {"userid": "ci@pve"})]
EXAMPLE = {"userid": "ci@pve", "tokenid": "labs", "comment": "for the labs"}
UPDATES = [
    {**EXAMPLE, "privsep": False, "expire": 2000000000},
    {"userid": "ci@pve", "tokenid": "labs", "triggers": {"rotated": "2026-01"}},
    {"userid": "ci@pve", "tokenid": "labs", "comment": "again"},
]
DRIFT = [("PUT", "/access/users/ci@pve/token/labs", {"comment": "by hand"})]


@pytest.fixture
def token(simulator: Simulator) -> Driver:
    """A token of a program."""
    simulator.by_hand("POST", "/access/users", {"userid": "ci@pve"})
    return Driver(simulator, "api_token")


def opens(simulator: Simulator, secret: str) -> bool:
    """Whether the token logs in with that secret."""
    with opened(connection_to(simulator, token_id="ci@pve!labs", token_secret=secret)) as client:
        try:
            client.request("GET", "/version", None, deadline=soon())
        except LoginRefused:
            return False
    return True


def test_the_secret_is_told_once_and_kept(token: Driver, simulator: Simulator) -> None:
    made = token.up(EXAMPLE)
    assert (made["full_tokenid"], opens(simulator, made["secret"])) == ("ci@pve!labs", True)

    token.refresh()
    assert token.outputs["secret"] == made["secret"]
    token.again()
    changed = token.up({**EXAMPLE, "comment": "for others"})

    assert changed["secret"] == made["secret"]
    assert opens(simulator, changed["secret"])


def test_other_triggers_make_another_secret(token: Driver, simulator: Simulator) -> None:
    first = token.up({**EXAMPLE, "triggers": {"rotated": "2026-01"}})["secret"]
    assert token.drift() == {}

    second = token.up({**EXAMPLE, "triggers": {"rotated": "2026-02"}})["secret"]

    assert not opens(simulator, first)
    assert opens(simulator, second)


def test_a_secret_that_was_lost_with_a_died_run_is_made_anew(token: Driver, simulator: Simulator) -> None:
    token.up(EXAMPLE)
    again = Driver(simulator, "api_token")

    assert opens(simulator, again.up(EXAMPLE)["secret"])


def test_one_that_is_there_is_never_taken_over(token: Driver, simulator: Simulator) -> None:
    simulator.by_hand("POST", "/access/users/ci@pve/token/labs")

    assert "told once" in str(token.problems({**EXAMPLE, "adopt": "if-exists"}))
    with pytest.raises(AlreadyThere, match=r"the token ci@pve!labs already exists"):
        token.up(EXAMPLE)


def test_the_user_of_a_token_has_to_be_there(token: Driver) -> None:
    assert "there is no user 'ghost@pve'" in token.problems({**EXAMPLE, "userid": "ghost@pve"})["userid"]


def test_what_is_declared_no_longer_is_as_proxmox_has_it_by_itself(token: Driver, simulator: Simulator) -> None:
    token.up({**EXAMPLE, "privsep": False, "expire": 2000000000})
    token.up({"userid": "ci@pve", "tokenid": "labs"})

    seen = simulator.by_hand("GET", "/access/users/ci@pve/token/labs")
    assert seen == {"comment": token.owner.mark, "expire": 0, "privsep": 1}


@pytest.mark.engine
def test_the_secret_is_in_the_state_only_as_a_secret_and_the_same_after_a_refresh(
    program: Program, simulator: Simulator
) -> None:
    simulator.by_hand("POST", "/access/users", {"userid": "ci@pve"})
    program.declare({"it": Resource("providers.api_token.ApiToken", EXAMPLE)})
    assert program.up().changes == {"create": 1}

    def kept() -> str:
        plain = json.loads(program.pulumi("stack", "export", "--show-secrets").stdout)
        (token,) = (r for r in plain["deployment"]["resources"] if r["urn"].endswith("::it"))
        return str(json.loads(token["outputs"]["secret"]["plaintext"]))

    secret = kept()
    assert opens(simulator, secret)
    refreshed = program.refresh()

    assert secret not in refreshed.text + json.dumps(program.state())
    assert kept() == secret
