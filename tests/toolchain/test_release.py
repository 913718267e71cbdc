"""The download of a Pulumi release, from a server on loopback."""

from __future__ import annotations

import functools
import hashlib
import io
import socket
import tarfile
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from toolchain.cache import platform_name
from toolchain.release import DownloadError, download_pulumi

VERSION = "9.9.9"
ARCHIVE = f"pulumi-v{VERSION}-{platform_name()}.tar.gz"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "site"
    (folder / f"v{VERSION}").mkdir(parents=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", folder / f"v{VERSION}"
    server.shutdown()
    thread.join()
    server.server_close()


def publish(folder: Path, *members: str, checksum: str | None = None) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in members:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
    (folder / ARCHIVE).write_bytes(packed.getvalue())
    found = checksum or hashlib.sha256(packed.getvalue()).hexdigest()
    (folder / f"pulumi-{VERSION}-checksums.txt").write_text(f"{'0' * 64}  other.tar.gz\n{found}  {ARCHIVE}\n")


def test_the_executables_of_a_release_are_unpacked(site: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = site
    publish(folder, "pulumi/pulumi", "pulumi/pulumi-language-python")
    download_pulumi(VERSION, tmp_path, address)
    assert (tmp_path / "pulumi").read_text() == "pulumi/pulumi"
    assert (tmp_path / "pulumi-language-python").stat().st_mode & 0o111


def test_a_member_with_a_path_lands_in_the_directory(site: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = site
    publish(folder, "../../outside")
    target = tmp_path / "deep" / "target"
    target.mkdir(parents=True)
    download_pulumi(VERSION, target, address)
    assert [file.name for file in target.iterdir()] == ["outside"]


def test_a_release_with_a_wrong_sum_is_refused(site: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = site
    publish(folder, "pulumi/pulumi", checksum="1" * 64)
    with pytest.raises(DownloadError, match="has the SHA-256 sum"):
        download_pulumi(VERSION, tmp_path, address)
    assert not (tmp_path / "pulumi").exists()


def test_a_release_without_sums_is_refused(site: tuple[str, Path], tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="answers 404"):
        download_pulumi(VERSION, tmp_path, site[0])


def test_a_site_that_does_not_answer_is_given_up_within_seconds(tmp_path: Path) -> None:
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DownloadError, match="timed out"):
        download_pulumi(VERSION, tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert time.monotonic() - started < 10
