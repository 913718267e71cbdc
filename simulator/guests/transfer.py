"""Copying data: the simulated time it takes and the progress it logs."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from simulator.errors import ApiError, TaskError
from simulator.guests.draft import human_size
from simulator.guests.storages import StorageView
from simulator.guests.volume_names import own_name
from simulator.records import Volume
from simulator.tasks import Step

BYTES_PER_SECOND = 256 << 20
_LONGEST = 600


def seconds_for(data: int, limit: float = 0) -> float:
    """Return the simulated seconds that so many bytes take, with a limit in KiB/s where there is one."""
    speed = min(limit * 1024, BYTES_PER_SECOND) if limit else BYTES_PER_SECOND
    return max(0.2, data / speed)


def progress(size: int, data: int) -> Generator[Step, None, None]:
    """Log how a copy goes on, once for each simulated second that it takes."""
    seconds = max(1, min(_LONGEST, -(-data // BYTES_PER_SECOND)))
    for step in range(seconds + 1):
        done = size * step // seconds
        percent = 100 * done / size if size else 100.0
        yield f"transferred {human_size(done)} of {human_size(size)} ({percent:.2f}%)"
        if step < seconds:
            yield 1.0


def as_of(volume: Volume, snapname: str | None) -> Volume:
    """Return a volume with what was in it when a snapshot was taken; its size stays that of today."""
    then = volume.snapshots.get(snapname or "")
    return volume if then is None else replace(volume, files=then.files)


def data_of(view: StorageView, volume: Volume) -> int:
    """Return the bytes that a volume holds, those of its base included."""
    base = view.find(volume.parent) if volume.parent is not None else None
    return min(volume.size, volume.used + (data_of(view, base) if base is not None else 0))


def copy_volume(
    view: StorageView, source: Volume, storage: str, vmid: int, format_: str, *, content: str = "images"
) -> Generator[Step, None, Volume]:
    """Copy a volume to a new one; one that could not be finished is removed again."""
    name = None
    if own_name(source.name).startswith("vm-") and "cloudinit" in source.name:
        name = view.full_name(storage, vmid, f"vm-{vmid}-cloudinit", format_)
    volume = view.allocate(storage, vmid, source.size, format_, name=name, content=content)
    yield from view.log_allocation(volume)
    yield f"allocated target volume '{volume.volid}'"
    try:
        data = data_of(view, source)
        if name is None:
            yield from progress(source.size, data)
        return view.fill(volume.volid, data, source)
    except (ApiError, TaskError):
        view.free(volume.volid)
        raise
