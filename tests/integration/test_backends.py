"""Where a team keeps its states: two checkouts that share a backend share the stack.

A lab that moves into PostgreSQL is in the guide for teams, which `tests/pages` walks through.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.integration.s3 import KEYS, s3
from tests.toolchain.checkout import Checkout, forget_pulumi_settings, make_checkout

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi

pulumi.export("greeting", "hello")
pulumi.export("password", pulumi.Output.secret("hunter22"))
"""


@contextmanager
def files() -> Iterator[str]:
    """A folder that all of the team can reach."""
    with tempfile.TemporaryDirectory() as folder:
        yield f"file://{folder}"


@pytest.mark.parametrize("backend", [files, s3])
def test_two_checkouts_with_one_backend_share_the_stack(
    backend: Callable[[], AbstractContextManager[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_pulumi_settings(monkeypatch)
    mine, yours = (colleague(tmp_path / name) for name in ("mine", "yours"))
    with backend() as url:
        of_team = {"PULUMI_BACKEND_URL": url, "PULUMI_CONFIG_PASSPHRASE": "of the team", **KEYS}

        up = mine.labs("up", **of_team)
        again = yours.labs("preview", **of_team)
        stranger = yours.labs("report", "--json", **{**of_team, "PULUMI_CONFIG_PASSPHRASE": "another"})

    assert up.returncode == 0, up.stdout + up.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert "+ 1 to create" not in again.stdout
    assert "1 unchanged" in again.stdout
    assert stranger.returncode == 1
    assert "incorrect passphrase" in stranger.stderr
    assert not (mine.root / ".pulumi" / "state" / ".pulumi" / "stacks").exists()


def colleague(folder: Path) -> Checkout:
    folder.mkdir()
    return make_checkout(folder, PROGRAM)
