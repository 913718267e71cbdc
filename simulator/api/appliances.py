"""`/nodes/{node}/aplinfo`: the templates that can be downloaded, and downloading one."""

from __future__ import annotations

from typing import Any

from simulator.api.storage import STORAGE
from simulator.api.storage_nodes import NODE
from simulator.appliances import APPLIANCES, Appliance
from simulator.errors import ApiError, ParamError
from simulator.fetching import Contents
from simulator.guests.draft import worker
from simulator.guests.qemu_power import view_for
from simulator.guests.storage_types import FILE
from simulator.incoming import put_file, view_of_target
from simulator.routing import Call, route
from simulator.schema import string
from simulator.tasks import Steps, TaskRun


@route("GET", "/nodes/{node}/aplinfo", params={"node": NODE}, user="all", proxyto="node")
def appliances(_call: Call) -> list[dict[str, Any]]:
    """List the templates."""
    return [appliance.row() for appliance in APPLIANCES.values()]


@route(
    "POST", "/nodes/{node}/aplinfo",
    params={"node": NODE, "storage": STORAGE, "template": string(max_length=255)},
    check=["perm", "/storage/{storage}", ["Datastore.AllocateTemplate"]], protected=True, proxyto="node",
)  # fmt: skip
def download_appliance(call: Call) -> str:
    """Download a template; one that is there already is not fetched again."""
    appliance, storage = APPLIANCES.get(call.text("template")), call.text("storage")
    if appliance is None:
        raise ParamError({"template": "no such template"})
    view = view_of_target(call)
    if view.type_of(storage).layout != FILE:
        raise ApiError(f"cannot download to storage type '{view.section(storage).type}'")
    if "vztmpl" not in view.contents(storage):
        raise ApiError(f"storage '{storage}' does not support templates")
    return call.start_task("download", "", worker(lambda run: _download(run, storage, appliance)))


def _download(run: TaskRun, storage: str, appliance: Appliance) -> Steps:
    view, row = view_for(run), appliance.row()
    volid = f"{storage}:vztmpl/{appliance.template}"
    path = view.path(volid)
    yield f"downloading {appliance.location} to {path}"
    if view.find(volid) is not None:
        yield "calculating checksum of existing file..."
        yield "OK, got correct file already, no need to download"
        return
    yield max(0.5, appliance.size / 64)
    yield "calculating checksum..."
    yield "OK, checksum verified"
    checksums = {"md5": row["md5sum"], "sha512": row["sha512sum"]}
    put_file(view_for(run), storage, "vztmpl", appliance.template, Contents(appliance.size << 20, checksums))
    yield f"download of '{appliance.location}' to '{path}' finished"
