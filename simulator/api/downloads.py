"""`/nodes/{node}/storage/{storage}/download-url` and `/nodes/{node}/query-url-metadata`: files from elsewhere."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from typing import Any

from simulator.api.storage import STORAGE
from simulator.api.storage_nodes import NODE
from simulator.backup.names import zone_of
from simulator.errors import ApiError, TaskError
from simulator.fetching import (
    OUTSIDE_SIZE,
    Contents,
    Download,
    FetchError,
    could_be,
    describe,
    fetch,
    is_loopback,
    outside_checksum,
)
from simulator.guests.draft import worker
from simulator.guests.qemu_power import view_for
from simulator.incoming import CHECKSUM, CONTENT, image_refusal, normal_name, put_file, view_of_target
from simulator.records import Volume
from simulator.routing import Call, route
from simulator.schema import boolean, string
from simulator.tasks import Step, Steps, TaskRun

_URL = string(pattern=r"https?://.*")
_DECOMPRESSED = ("gz", "lzo", "zst", "bz2")
_OUTSIDE_SECONDS = 8


@route(
    "POST",
    "/nodes/{node}/storage/{storage}/download-url",
    params={
        "node": NODE,
        "storage": STORAGE,
        **CHECKSUM,
        "compression": string(optional=True),
        "content": CONTENT,
        "filename": string(max_length=255),
        "url": _URL,
        "verify-certificates": boolean(optional=True),
    },
    check=[
        "and",
        ["perm", "/storage/{storage}", ["Datastore.AllocateTemplate"]],
        ["or", ["perm", "/", ["Sys.Audit", "Sys.Modify"]], ["perm", "/nodes/{node}", ["Sys.AccessNetwork"]]],
    ],
    protected=True,
    proxyto="node",
)
def download(call: Call) -> str:
    """Download a file."""
    content, storage = call.text("content"), call.text("storage")
    if content not in view_of_target(call).contents(storage):
        raise ApiError(f"storage '{storage}' is not configured for content-type '{content}'")
    name = normal_name(content, call.text("filename"))
    return call.start_task("download", name, worker(lambda run: _download(run, call, name)))


def _download(run: TaskRun, call: Call, name: str) -> Steps:
    content, storage, url = call.text("content"), call.text("storage"), call.text("url")
    algorithm, expected = call.text("checksum-algorithm"), call.text("checksum")
    compression = call.text("compression")
    if compression and content != "iso":
        raise TaskError(f"decompression not supported for {content}")
    if compression and compression not in _DECOMPRESSED:
        raise TaskError("no decompression method found")
    view = view_for(run)
    path, old = view.path(f"{storage}:{content}/{name}"), view.find(f"{storage}:{content}/{name}")
    yield f"downloading {url} to {path}"
    if old is not None:
        yield from _keep_existing(old, path, algorithm, expected)
        return
    moment = datetime.fromtimestamp(int(run.now), zone_of(run.datacenter.nodes[run.node]))
    yield f"--{moment:%Y-%m-%d %H:%M:%S}--  {url}"
    found = yield from _fetch(call, url)
    if expected:
        yield "calculating checksum..."
        _check(found.received, url, algorithm, expected)
        yield "OK, checksum verified"
    if compression:
        yield f"decompressing {path}.tmp_dwnl.{compression} to {path}.tmp_dwnl"
    refusal = image_refusal(content, name, path, found.kept.head) if is_loopback(url) else []
    if refusal:
        yield from refusal[:-1]
        raise TaskError(refusal[-1])
    put_file(view_for(run), storage, content, name, found.kept)
    yield f"download of '{url}' to '{path}' finished"


def _keep_existing(old: Volume, path: str, algorithm: str, expected: str) -> Steps:
    """A file that is there already stays: it is the right one, or the download fails."""
    if not expected:
        raise TaskError(f"refusing to override existing file '{path}'")
    yield "calculating checksum of existing file..."
    got = old.checksums.get(algorithm, expected.lower())
    if got != expected.lower():
        raise TaskError(f"checksum mismatch: got '{got}' != expect '{expected}', aborting")
    yield "OK, got correct file already, no need to download"


def _fetch(call: Call, url: str) -> Generator[Step, None, Download]:
    try:
        found = fetch(
            url, verify=call.flag("verify-certificates", default=True), compression=call.text("compression")
        )  # fmt: skip
    except FetchError as error:
        raise TaskError(f"download failed: {error}") from None
    if is_loopback(url):
        yield f"{found.received.size >> 10}K ..... 100%"
        return found
    for step in range(1, _OUTSIDE_SECONDS + 1):
        yield 1.0
        yield f"{OUTSIDE_SIZE * step // _OUTSIDE_SECONDS >> 10}K ..... {100 * step // _OUTSIDE_SECONDS}%"
    return found


def _check(received: Contents, url: str, algorithm: str, expected: str) -> None:
    """Compare the checksum; a file from outside is the one that its checksum names, if that can be a checksum."""
    if not received.checksums and could_be(algorithm, expected):
        received.checksums[algorithm] = expected.lower()
    got = received.checksums.get(algorithm) or outside_checksum(algorithm, url)
    if got != expected.lower():
        raise TaskError(f"checksum mismatch: got '{got}' != expect '{expected}'")


@route(
    "GET", "/nodes/{node}/query-url-metadata",
    params={"node": NODE, "url": _URL, "verify-certificates": boolean(optional=True)},
    check=["or", ["perm", "/", ["Sys.Audit", "Sys.Modify"]], ["perm", "/nodes/{node}", ["Sys.AccessNetwork"]]],
    proxyto="node",
)  # fmt: skip
def url_metadata(call: Call) -> dict[str, Any]:
    """Tell what a download of a URL would give."""
    url = call.text("url")
    try:
        facts = describe(url, verify=call.flag("verify-certificates", default=True))
    except FetchError as error:
        raise ApiError(f"invalid server response: '{error}'") from None
    found = {"filename": facts.filename, "size": facts.size, "mimetype": facts.mimetype}
    return {name: value for name, value in found.items() if value}
