"""`/pools`, in the newer form with a query parameter and in the older one with the id in the path."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.api.resources import guest_stats, storage_rows
from simulator.errors import ApiError
from simulator.records import Pool
from simulator.routing import Call, route
from simulator.schema import boolean, string

POOLID = string(format="pve-poolid")
_TYPE = ("qemu", "lxc", "storage")
_ALLOCATE = ["perm", "/pool/{poolid}", ["Pool.Allocate"]]
_UPDATE = {
    "poolid": POOLID,
    "allow-move": boolean(optional=True),
    "comment": string(optional=True),
    "delete": boolean(optional=True),
    "storage": string(format="pve-storage-id-list", optional=True),
    "vms": string(format="pve-vmid-list", optional=True),
}


def _pool(call: Call, prefix: str = "") -> Pool:
    poolid = call.text("poolid")
    pool = call.datacenter.pools.get(poolid)
    if pool is None:
        raise ApiError(f"{prefix}pool '{poolid}' does not exist")
    return pool


def _summary(pool: Pool) -> dict[str, Any]:
    return {"poolid": pool.poolid} | ({"comment": pool.comment} if pool.comment else {})


def _members(call: Call, pool: Pool) -> list[dict[str, Any]]:
    """List the members that exist, as `/cluster/resources` shows them, but without their tags and locks."""
    wanted = call.optional("type")
    rows: list[dict[str, Any]] = []
    for vmid in sorted(pool.vms):
        guest = call.datacenter.guests.get(vmid)
        if guest is not None and wanted in (None, guest.type):
            rows.append(guest_stats(call.datacenter, call.node, guest, call.now))
    if wanted in (None, "storage"):
        storages = [storage for storage in call.datacenter.storages if storage.id in pool.storages]
        for node in call.datacenter.nodes:
            rows += storage_rows(call.datacenter, storages, node)
    return rows


@route(
    "GET",
    "/pools",
    params={
        "poolid": string(format="pve-poolid", optional=True),
        "type": string(enum=_TYPE, optional=True, requires="poolid"),
    },
    user="all",
)
def pools(call: Call) -> list[dict[str, Any]]:
    """List the pools that the caller may audit, or return one (any) with its members."""
    if "poolid" in call:
        pool = _pool(call)
        return [_summary(pool) | {"members": _members(call, pool)}]
    seen = [pool for pool in call.datacenter.pools if call.access.may(f"/pool/{pool.poolid}", ["Pool.Audit"])]
    return [_summary(pool) for pool in sorted(seen, key=lambda pool: pool.poolid)]


@route(
    "GET",
    "/pools/{poolid}",
    params={"poolid": POOLID, "type": string(enum=_TYPE, optional=True)},
    check=["perm", "/pool/{poolid}", ["Pool.Audit"]],
)
def read_pool(call: Call) -> dict[str, Any]:
    """Return a pool with its members."""
    pool = _pool(call)
    return _summary(pool) | {"members": _members(call, pool)}


@route("POST", "/pools", params={"poolid": POOLID, "comment": string(optional=True)}, check=_ALLOCATE, protected=True)
def create_pool(call: Call) -> None:
    """Create a pool; a nested one needs its parent."""
    call.cfs_lock("file-user_cfg", "create pool failed: ")
    poolid = call.text("poolid")
    if poolid in call.datacenter.pools:
        raise ApiError(f"create pool failed: pool '{poolid}' already exists")
    parent = poolid.rpartition("/")[0]
    if parent and parent not in call.datacenter.pools:
        raise ApiError(f"create pool failed: parent '{parent}' of pool '{poolid}' does not exist")
    call.datacenter.pools.put(Pool(poolid=poolid, comment=call.text("comment")))


@route("PUT", "/pools", params=_UPDATE, check=_ALLOCATE, protected=True)
@route("PUT", "/pools/{poolid}", params=_UPDATE, check=_ALLOCATE, protected=True)
def update_pool(call: Call) -> None:
    """Change the comment, add or remove members."""
    call.cfs_lock("file-user_cfg", "update pools failed: ")
    pool = _pool(call, "update pools failed: ")
    if "comment" in call:
        pool = replace(pool, comment=call.text("comment"))
    vms, storages = set(pool.vms), set(pool.storages)
    for vmid in (int(item) for item in call.listing("vms")):
        call.access.require_modify(f"/vms/{vmid}")
        _change_guest(call, vms, vmid)
    for name in call.listing("storage"):
        call.access.require_modify(f"/storage/{name}")
        if call.flag("delete"):
            if name not in storages:
                raise ApiError(f"update pools failed: Storage '{name}' is not a pool member")
            storages.remove(name)
        elif name in storages:
            raise ApiError(f"update pools failed: Storage '{name}' is already a pool member")
        else:
            storages.add(name)
    call.datacenter.pools.put(replace(pool, vms=frozenset(vms), storages=frozenset(storages)))


def _change_guest(call: Call, vms: set[int], vmid: int) -> None:
    """Add a guest to a pool or remove it."""
    if call.flag("delete"):
        if vmid not in vms:
            raise ApiError(f"update pools failed: VM {vmid} is not a pool member")
        vms.remove(vmid)
        return
    if vmid in vms:
        raise ApiError(f"update pools failed: VM {vmid} is already a pool member")
    other = call.datacenter.pool_of(vmid)
    if other is not None:
        if not call.flag("allow-move"):
            raise ApiError(
                f"update pools failed: VM {vmid} belongs already to pool '{other}' and 'allow-move' is not set"
            )
        old = call.datacenter.pools[other]
        call.datacenter.pools.put(replace(old, vms=old.vms - {vmid}))
    vms.add(vmid)


@route("DELETE", "/pools", params={"poolid": POOLID}, check=_ALLOCATE, protected=True)
@route("DELETE", "/pools/{poolid}", params={"poolid": POOLID}, check=_ALLOCATE, protected=True)
def delete_pool(call: Call) -> None:
    """Delete an empty pool; members that are gone do not count."""
    call.cfs_lock("file-user_cfg", "delete pool failed: ")
    pool = _pool(call, "delete pool failed: ")
    content = [
        f"pool '{other.poolid}'" for other in call.datacenter.pools if other.poolid.startswith(f"{pool.poolid}/")
    ]
    content += [f"VM {vmid}" for vmid in sorted(pool.vms) if vmid in call.datacenter.guests]
    content += [f"storage '{name}'" for name in sorted(pool.storages) if name in call.datacenter.storages]
    if content:
        raise ApiError(f"delete pool failed: pool '{pool.poolid}' is not empty (contains {content[0]})")
    call.datacenter.pools.delete(pool.poolid)
    call.datacenter.acl.delete(f"/pool/{pool.poolid}")
