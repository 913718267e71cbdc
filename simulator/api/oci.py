"""Images of OCI registries as templates of containers: their tags, and pulling one."""

from __future__ import annotations

import hashlib
import re

from simulator.api.storage import STORAGE
from simulator.api.storage_nodes import NODE
from simulator.errors import ApiError, TaskError
from simulator.fetching import Contents
from simulator.guests.draft import worker
from simulator.guests.qemu_power import view_for
from simulator.incoming import put_file, view_of_target
from simulator.routing import Call, route
from simulator.schema import string
from simulator.tasks import Steps, TaskRun

_NAME = r"(?:[a-zA-Z\d]|[a-zA-Z\d][a-zA-Z\d-]*[a-zA-Z\d])"
_PART = r"[a-z\d]+(?:(?:[._]|__|-+)[a-z\d]+)*"
_REPOSITORY = rf"(?:{_NAME}(?:\.{_NAME})*(?::\d+)?/)?{_PART}(?:/{_PART})*"
_SIZES = (20 << 20, 200 << 20)


@route(
    "GET", "/nodes/{node}/query-oci-repo-tags",
    params={"node": NODE, "reference": string(pattern=_REPOSITORY)},
    check=["perm", "/nodes/{node}", ["Sys.AccessNetwork"]], proxyto="node",
)  # fmt: skip
def repository_tags(call: Call) -> list[str]:  # noqa: ARG001 - every handler takes the call
    """List the tags of a repository: no registry is asked, and each is taken to have the usual one."""
    return ["latest"]


@route(
    "POST",
    "/nodes/{node}/storage/{storage}/oci-registry-pull",
    params={
        "node": NODE,
        "storage": STORAGE,
        "filename": string(min_length=1, max_length=255, optional=True),
        "reference": string(pattern=rf"{_REPOSITORY}:\w[\w.-]{{0,127}}"),
    },
    check=[
        "and",
        ["perm", "/storage/{storage}", ["Datastore.AllocateTemplate"]],
        ["perm", "/nodes/{node}", ["Sys.AccessNetwork"]],
    ],
    protected=True,
    proxyto="node",
)
def pull(call: Call) -> str:
    """Pull an image; no registry is asked: its size follows from its name."""
    if "vztmpl" not in view_of_target(call).contents(call.text("storage")):
        raise ApiError(f"storage '{call.text('storage')}' is not configured for content-type 'vztmpl'")
    plain = call.optional("filename") or call.text("reference").rpartition("/")[2].replace(":", "_")
    name = re.sub(r"[^-a-zA-Z0-9_.]", "_", re.sub(r"^.*[/\\]", "", plain)).removesuffix(".tar") + ".tar"
    return call.start_task("download", name, worker(lambda run: _pull(run, call, name)))


def _pull(run: TaskRun, call: Call, name: str) -> Steps:
    view, storage, reference = view_for(run), call.text("storage"), call.text("reference")
    path = view.path(f"{storage}:vztmpl/{name}")
    if view.find(f"{storage}:vztmpl/{name}") is not None:
        raise TaskError(f"refusing to override existing file '{path}'")
    digest = hashlib.sha256(reference.encode()).hexdigest()
    low, high = _SIZES
    size = low + int(digest[:8], 16) % (high - low)
    yield f"pulling image '{reference}' to '{path}'"
    yield "Getting image source signatures"
    yield f"Copying blob sha256:{digest}"
    yield max(0.5, size / (64 << 20))
    yield "Writing manifest to image destination"
    put_file(view_for(run), storage, "vztmpl", name, Contents(size))
