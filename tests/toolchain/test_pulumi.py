"""Which Pulumi is used: the user's own if it will do, else one from the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolchain import pulumi
from toolchain.cache import cached, platform_name

COMPANIONS = ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")


@pytest.fixture
def link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the tools are linked to; the cache has them already, so that none of these tests builds or downloads."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cached(f"pulumi-{pulumi.PULUMI_VERSION}-{platform_name()}", lambda directory: put_pulumi(directory, "v3.250.0"))
    return tmp_path / ".toolchain" / "bin"


def put_pulumi(directory: Path, version: str, companions: tuple[str, ...] = COMPANIONS) -> None:
    directory.mkdir(exist_ok=True)
    for name in ("pulumi", *companions):
        (directory / name).write_text(f"#!/bin/sh\necho {version}\n")
        (directory / name).chmod(0o755)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on PATH, before the usual ones, for what the user has installed."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'own'}:/usr/bin:/bin")
    return tmp_path / "own"


@pytest.mark.parametrize("version", ["v3.250.0", "v3.251.2", "v4.0.0"])
def test_the_users_own_pulumi_is_used_if_it_is_new_enough(version: str, link: Path, own: Path) -> None:
    put_pulumi(own, version)
    pulumi.provide_pulumi(link)
    assert not link.exists()


@pytest.mark.parametrize(
    ("installed", "reason"),
    [
        (("v3.249.9", COMPANIONS), "3.250.0 or newer is needed"),
        (("broken", COMPANIONS), "3.250.0 or newer is needed"),
        (("v3.250.0", COMPANIONS[1:]), "the Python language host is not installed with it"),
    ],
)
def test_an_unfit_pulumi_is_passed_over_with_the_reason(
    installed: tuple[str, tuple[str, ...]], reason: str, link: Path, own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_pulumi(own, *installed)
    pulumi.provide_pulumi(link)
    assert reason in capsys.readouterr().err
    assert (link / "pulumi").exists()


def test_our_own_tools_on_path_are_not_taken_for_the_users(
    link: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{link}:/usr/bin:/bin")
    pulumi.provide_pulumi(link)
    pulumi.provide_pulumi(link)
    assert link.resolve().is_relative_to(tmp_path / "cache")
