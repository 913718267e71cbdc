"""What jobs know of a guest, when that is to be destroyed."""

from __future__ import annotations

from dataclasses import replace

from simulator.errors import ApiError
from simulator.formats import split_list
from simulator.records import Section
from simulator.state import Datacenter


def replication_jobs(datacenter: Datacenter, vmid: int) -> list[Section]:
    """Return the replication jobs of a guest."""
    return [job for job in datacenter.replication_jobs if job.id.partition("-")[0] == str(vmid)]


def check_not_replicated(datacenter: Datacenter, vmid: int) -> None:
    """Refuse to destroy a guest that is replicated."""
    jobs = replication_jobs(datacenter, vmid)
    if jobs:
        raise ApiError(f"There is a replication job '{jobs[0].id}' for guest '{vmid}' - Please remove that first.")


def forget_guest(datacenter: Datacenter, vmid: int) -> None:
    """Take a guest out of all jobs; a backup job that was of this guest alone goes as well."""
    for job in replication_jobs(datacenter, vmid):
        datacenter.replication_jobs.delete(job.id)
        datacenter.replications.delete(job.id)
    for job in datacenter.backup_jobs:
        named = split_list(job.options.get("vmid", ""))
        left = [name for name in named if name != str(vmid)]
        if named and not left:
            datacenter.backup_jobs.delete(job.id)
        elif len(left) < len(named):
            datacenter.backup_jobs.put(replace(job, options={**job.options, "vmid": ",".join(left)}))
