"""How much of an environment is to be taken over: all of it, or some guests with what hangs on them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from providers._runtime.facts import Facts
from providers._runtime.model import Values


@dataclass(frozen=True)
class Reach:
    """Some pools and guests; everything where neither are named."""

    pools: frozenset[str] | None = None
    vmids: frozenset[int] = frozenset()

    @classmethod
    def of(cls, facts: Facts, pools: Collection[str], vmids: Collection[int]) -> Reach:
        """Those pools with their guests and the pools inside them, and those guests."""
        rows = facts.of_type("qemu", "lxc")
        inside = {
            str(row["pool"]): pool
            for row in rows
            for pool in pools
            if f"{row.get('pool') or ''}/".startswith(f"{pool}/")
        }
        guests = {int(row["vmid"]) for row in rows if row.get("pool") in inside}
        return cls(frozenset({*pools, *inside}), frozenset({*vmids, *guests}))

    @property
    def everything(self) -> bool:
        """Whether nothing is to be left alone."""
        return self.pools is None

    def has_guest(self, vmid: int) -> bool:
        """Whether a guest is in it."""
        return self.pools is None or vmid in self.vmids

    def has(self, kind: str, values: Values) -> bool:
        """Whether an object is in it, or hangs on a guest or a pool that is."""
        if self.pools is None:
            return True
        if kind == "pool":
            return values.get("poolid") in self.pools
        if kind == "acl":
            paths = {f"/pool/{pool}" for pool in self.pools} | {f"/vms/{vmid}" for vmid in self.vmids}
            return values["path"] in paths
        if kind == "replication":
            return int(str(values["job_id"]).partition("-")[0]) in self.vmids
        if kind == "backup_job":
            chosen = set(values.get("vmid") or ())
            return values.get("pool") in self.pools or (bool(chosen) and chosen <= self.vmids)
        return values.get("vmid") in self.vmids
