"""The environment in which Pulumi is called."""

from __future__ import annotations

import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from toolchain.environment import for_a_shell, pulumi_environment

CHOICES = (
    "PULUMI_BACKEND_URL",
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_CREDENTIALS_PATH",
    "PULUMI_HOME",
    "PULUMI_PARALLEL",
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in CHOICES:
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


def test_everything_lies_in_the_checkout_when_the_user_has_chosen_nothing(tmp_path: Path) -> None:
    environment = pulumi_environment(tmp_path)
    assert environment["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/.pulumi/state"
    assert environment["PULUMI_HOME"].startswith(str(tmp_path))
    assert environment["PULUMI_PARALLEL"] == "32"


def test_the_users_choices_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {"PULUMI_BACKEND_URL": "s3://states", "PULUMI_CONFIG_PASSPHRASE": "", "PULUMI_PARALLEL": "4"}
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    environment = pulumi_environment(tmp_path)
    assert {name: environment[name] for name in chosen} == chosen
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in environment
    assert not (tmp_path / ".pulumi").exists()


def test_a_chosen_backend_finds_the_users_login(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".pulumi").mkdir()
    (home / ".pulumi" / "credentials.json").write_text("{}")
    assert "PULUMI_CREDENTIALS_PATH" not in pulumi_environment(tmp_path)
    monkeypatch.setenv("PULUMI_BACKEND_URL", "https://api.example.org")
    assert pulumi_environment(tmp_path)["PULUMI_CREDENTIALS_PATH"] == str(home / ".pulumi")


def test_the_passphrase_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = {
            Path(environment["PULUMI_CONFIG_PASSPHRASE_FILE"]).read_text()
            for environment in pool.map(pulumi_environment, [tmp_path] * 16)
        }
    assert len(found) == 1
    assert len(found.pop()) >= 32
    file = tmp_path / ".pulumi" / "passphrase"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir() if each.is_file()] == ["passphrase"]


def test_the_virtual_environment_comes_first_on_path(tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".toolchain" / "bin").mkdir(parents=True)
    first, second, *_ = pulumi_environment(tmp_path)["PATH"].split(":")
    assert (first, second) == (str(tmp_path / ".venv" / "bin"), str(tmp_path / ".toolchain" / "bin"))


def test_a_shell_is_brought_into_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "a checkout"
    root.mkdir()

    shell = subprocess.run(
        ["sh", "-c", f"{for_a_shell(root)}\nenv -0"], capture_output=True, text=True, check=True
    ).stdout

    assert {f"{name}={value}" for name, value in pulumi_environment(root).items()} <= set(shell.split("\0"))
    for name, value in pulumi_environment(root).items():
        monkeypatch.setenv(name, value)
    assert for_a_shell(root) == "", "a second time it is there already"
