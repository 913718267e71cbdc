"""Downloads a release of Pulumi and checks it against the release's own list of SHA-256 sums."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
from http.client import HTTPResponse
from pathlib import Path, PurePosixPath
from typing import IO

from toolchain.cache import platform_name
from toolchain.progress import step

RELEASES = "https://github.com/pulumi/pulumi/releases/download"
_REACHABLE_WITHIN = 5.0
_STALLED_AFTER = 30.0


class DownloadError(Exception):
    """The release cannot be had from here; the set-up goes on another way."""


def download_pulumi(version: str, directory: Path, releases: str = RELEASES) -> None:
    """Put a release's executables into `directory`; fails within seconds where the site can't be reached."""
    archive = f"pulumi-v{version}-{platform_name()}.tar.gz"
    expected = _expected_sum(f"{releases}/v{version}/pulumi-{version}-checksums.txt", archive)
    with step(f"Downloading Pulumi {version}"), tempfile.TemporaryFile() as file:
        found = _fetch(f"{releases}/v{version}/{archive}", file)
        if found != expected:
            raise DownloadError(f"{archive} has the SHA-256 sum {found} instead of {expected}")
        file.seek(0)
        _unpack(file, directory)


def _expected_sum(url: str, archive: str) -> str:
    """Read the list of sums, which also shows whether the site can be reached at all."""
    try:
        with _open(url, _REACHABLE_WITHIN) as answer:
            lines = answer.read().decode().splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise DownloadError(_reason(problem)) from None
    for line in lines:
        match line.split():
            case [checksum, name] if name == archive:
                return checksum.lower()
    raise DownloadError(f"the release's checksums don't list {archive}")


def _open(url: str, timeout: float) -> HTTPResponse:
    """Open one of the release's addresses."""
    answer = urllib.request.urlopen(url, timeout=timeout)  # noqa: S310 - an address made from RELEASES
    if not isinstance(answer, HTTPResponse):
        raise DownloadError(f"{url} is no web address")
    return answer


def _fetch(url: str, file: IO[bytes]) -> str:
    """Download into `file` and return the SHA-256 sum of what came."""
    digest = hashlib.sha256()
    try:
        with _open(url, _STALLED_AFTER) as answer:
            while block := answer.read(1 << 20):
                digest.update(block)
                file.write(block)
    except OSError as problem:
        raise DownloadError(_reason(problem)) from None
    return digest.hexdigest()


def _unpack(file: IO[bytes], directory: Path) -> None:
    """Take the plain files of the archive by their bare names, so that nothing lands elsewhere."""
    try:
        with tarfile.open(fileobj=file, mode="r:gz") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None:
                    target = directory / PurePosixPath(member.name).name
                    with target.open("wb") as unpacked:
                        shutil.copyfileobj(content, unpacked)
                    target.chmod(0o755)
    except (tarfile.TarError, EOFError) as problem:
        raise DownloadError(f"the archive is damaged: {problem}") from None


def _reason(problem: Exception) -> str:
    """Say why a download failed without the wrapping that urllib puts around it."""
    if isinstance(problem, urllib.error.HTTPError):
        return f"{problem.url} answers {problem.code}"
    return str(problem.reason if isinstance(problem, urllib.error.URLError) else problem)
