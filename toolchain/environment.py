"""The environment in which this project calls `pulumi`: all project-local, nothing of the user's touched.

`toolchain/activate` brings it into a shell, by `python -m toolchain.environment`.
"""

from __future__ import annotations

import os
import secrets
import shlex
import sys
from pathlib import Path

PARALLEL = "32"


def pulumi_environment(root: Path) -> dict[str, str]:
    """Return the environment to run `pulumi` with in the checkout `root`, after the set-up has been run.

    The user's choices win: a backend (`PULUMI_BACKEND_URL`), a passphrase (`PULUMI_CONFIG_PASSPHRASE` or
    `PULUMI_CONFIG_PASSPHRASE_FILE`) and `PULUMI_PARALLEL`. Else the state is kept in `.pulumi/state` and
    protected with a passphrase of its own in `.pulumi/passphrase`. A backend that the user has merely logged
    in to is not used: trying out a lab must not write into somebody's organization.
    """
    environment = dict(os.environ)
    environment.pop("PYTHONHOME", None)
    environment["PATH"] = _path(root)
    environment["VIRTUAL_ENV"] = str(root / ".venv")
    environment["PULUMI_HOME"] = str(pulumi_home(root))
    environment["PULUMI_SKIP_UPDATE_CHECK"] = "true"
    # A stack's file without an encryption salt uses the salt in the stack's state (see stacks.py).
    environment["PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER"] = "true"
    environment.setdefault("PULUMI_PARALLEL", PARALLEL)
    if tools(root).exists():
        environment.setdefault("PULUMI_PYTHON_CMD", str(Path(__file__).parent / "host-python"))
    if environment.get("PULUMI_BACKEND_URL"):
        _use_own_login(environment)
    else:
        state = root / ".pulumi" / "state"
        state.mkdir(parents=True, exist_ok=True)
        environment["PULUMI_BACKEND_URL"] = f"file://{state}"
    if not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & environment.keys():
        environment["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(_passphrase_file(root))
    return environment


def pulumi_home(root: Path) -> Path:
    """Return the project's own PULUMI_HOME, which keeps plugins and settings apart from `~/.pulumi`."""
    return root / ".toolchain" / "pulumi-home"


def tools(root: Path) -> Path:
    """Return the link to the Pulumi tools; it is absent when PATH provides them."""
    return root / ".toolchain" / "bin"


def yaml_host(root: Path) -> Path:
    """Return the link to the host of programs in Pulumi's YAML; it is absent where nobody has asked for it."""
    return root / ".toolchain" / "yaml-host"


def _path(root: Path) -> str:
    """Put the virtual environment first (the language host runs PATH's `python`), then the fetched tools."""
    first = [root / ".venv" / "bin", tools(root), yaml_host(root), root / ".toolchain" / "uv"]
    return os.pathsep.join([*(str(place) for place in first if place.exists()), os.environ.get("PATH", os.defpath)])


def _use_own_login(environment: dict[str, str]) -> None:
    """Let a backend of the user's choice find the user's login, which our PULUMI_HOME would hide."""
    own_home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    if (own_home / "credentials.json").exists():
        environment.setdefault("PULUMI_CREDENTIALS_PATH", str(own_home))


def _passphrase_file(root: Path) -> Path:
    """Return the project's passphrase file; the first caller makes it, even if several come at once."""
    file = root / ".pulumi" / "passphrase"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(32))
        try:
            file.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file


def for_a_shell(root: Path) -> str:
    """What a shell has to be told to be in this environment."""
    told = pulumi_environment(root).items()
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in told if os.environ.get(name) != value)


if __name__ == "__main__":
    sys.stdout.write(for_a_shell(Path(__file__).resolve().parent.parent) + "\n")
