"""A guest's volumes: how they are written, and what has to be done to those that are to be different.

A program names a storage and a size; Proxmox names the volume. So a volume reads as `{storage, size, …}` with its
name in `file` (QEMU) or `volume` (LXC), which is compared only where the program declares it.

Changes never lose data: options are written beside those that are there, another storage moves the volume, a bigger
size grows it, and a smaller one is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import Field

from providers._guests.values import StorageId
from providers._runtime.errors import InvalidValue
from providers._runtime.model import Changes, Inputs, Values, fields_of
from providers._runtime.wire import Part, parse_property_string, size_bytes

CLOUDINIT = "cloudinit"
_CLOUDINIT_VOLUME = re.compile(r"(.*/)?vm-\d+-cloudinit(\.\w+)?")
_FORMAT = re.compile(r"\.(raw|qcow2|vmdk)$")
_GIB = 1 << 30
PLACEMENT = frozenset({"storage", "size", "format", "import_from"})
"""Keys that say where a volume is, how big, and what it is copied from; the others are options."""


class Volume(Part):
    """A volume of a guest; a subclass has the name's key as its default key."""

    default_key: ClassVar[str | None] = "file"
    allocate: ClassVar[str] = "1"
    """Size in GiB that is asked for where Proxmox decides it (EFI variables, TPM state)."""
    removable: ClassVar[bool] = True
    """Whether the guest can be without it."""

    storage: StorageId | None = Field(default=None, description="The storage that it lies on.")

    @classmethod
    def parse(cls, text: str) -> dict[str, Any]:
        """The string as values; where the volume lies and its format follow from its name."""
        found = parse_property_string(text, cls.default_key)
        volid = found.get(str(cls.default_key), "")
        storage, colon, name = volid.partition(":")
        if colon:
            found["storage"] = storage
            if _CLOUDINIT_VOLUME.fullmatch(name):
                found[str(cls.default_key)] = f"{storage}:{CLOUDINIT}"
            elif "format" in cls.model_fields and "format" not in found:
                suffix = _FORMAT.search(name)
                found["format"] = suffix[1] if suffix else "raw"
        return cls.from_keys(found)

    @classmethod
    def print(cls, values: dict[str, Any]) -> str:
        """An existing volume by its name; a new one as `storage:GiB`. Proxmox finds out the size of an existing one."""
        key = str(cls.default_key)
        volid = values.get(key)
        written = {name: value for name, value in values.items() if name not in PLACEMENT}
        if volid is None:
            source = values.get("import_from")
            written[key] = f"{values['storage']}:{'0' if source else cls._gib(values)}"
            written.update({name: values[name] for name in ("import_from", "format") if values.get(name)})
        elif is_cdrom(volid):
            written.setdefault("media", "cdrom")
        return super().print(written)

    @classmethod
    def _gib(cls, values: Values) -> str:
        if not values.get("size"):
            return cls.allocate
        gib = size_bytes(values["size"]) / _GIB
        return str(int(gib)) if gib.is_integer() else f"{gib:.12f}".rstrip("0")


def is_cdrom(volid: str) -> bool:
    """Whether a volume goes into a drive and holds nothing of the guest's own."""
    return volid in ("none", "cdrom") or volid.endswith((".iso", f":{CLOUDINIT}"))


def is_cloudinit(text: str) -> bool:
    """Whether a volume's text is that of the cloud-init drive, made or yet to be made."""
    name = text.partition(",")[0].partition(":")[2]
    return name == CLOUDINIT or _CLOUDINIT_VOLUME.fullmatch(name) is not None


def owns_data(volid: str) -> bool:
    """Whether a volume is the guest's own, and not an image in a drive or a directory of the host."""
    return not is_cdrom(volid) and not volid.startswith("/")


def volid_in(text: str, part: type[Volume]) -> str:
    """The name of the volume in a slot's text."""
    return parse_property_string(text, part.default_key).get(str(part.default_key), "")


@dataclass(frozen=True)
class Slot:
    """One volume as a place in the guest, with its type."""

    part: type[Volume]
    values: Values


def slots(model: type[Inputs], values: Values) -> dict[str, Slot]:
    """Every volume in some values by its slot, whether it stands in a map or is a field of its own."""
    found: dict[str, Slot] = {}
    for name, part in volume_fields(model).items():
        value = values.get(name)
        if value is None:
            continue
        spec = fields_of(model)[name]
        entries = value if spec.is_map else {spec.wire: value}
        found.update({slot: Slot(part, entry) for slot, entry in entries.items()})
    return found


def storages_of(model: type[Inputs], values: Values) -> set[str]:
    """The storages that some values' volumes lie on, without images in drives."""
    found = slots(model, values).values()
    kept = (each.values for each in found if not is_cdrom(str(each.values.get(str(each.part.default_key), ""))))
    return {str(each["storage"]) for each in kept if each.get("storage")}


def volume_fields(model: type[Inputs]) -> dict[str, type[Volume]]:
    """The fields of a model that hold volumes."""
    return {
        name: spec.part
        for name, spec in fields_of(model).items()
        if spec.part is not None and issubclass(spec.part, Volume)
    }


@dataclass
class Work:
    """What has to be done to a guest's volumes."""

    write: dict[str, str] = field(default_factory=dict)
    """Slot -> text for the configuration."""
    move: dict[str, dict[str, str]] = field(default_factory=dict)
    """Slot -> storage and format to move it to."""
    grow: dict[str, str] = field(default_factory=dict)
    """Slot -> new size."""
    gone: list[str] = field(default_factory=list)
    """Slots that are declared no longer."""
    allocates: bool = False
    """Whether something in `write` is a new volume, which takes its time."""


def work(model: type[Inputs], actual: Values, wanted: Values, todo: Changes, volids: dict[str, str]) -> Work:
    """The volumes' part of a change."""
    found = Work()
    there, declared = slots(model, actual), slots(model, wanted)
    for slot, target in slots(model, todo.set).items():
        if slot not in there:
            _write_new(found, slot, declared[slot])
        else:
            old = there[slot].values
            volid = volids.get(slot) or str(old.get(str(target.part.default_key), ""))
            _change(found, slot, (old, target.values, declared[slot].values), target.part, volid)
    for name, part in volume_fields(model).items():
        found.gone += todo.dropped.get(name, [])
        found.gone += [fields_of(model)[name].wire] if name in todo.cleared and part.removable else []
    return found


def _write_new(found: Work, slot: str, declared: Slot) -> None:
    values = declared.values
    volid = values.get(str(declared.part.default_key))
    if volid is None and "storage" not in values:
        raise InvalidValue(f"{slot}: a new volume needs a storage and a size, or the name of an existing one")
    found.write[slot] = declared.part.print(values)
    found.allocates = found.allocates or volid is None or volid.endswith(f":{CLOUDINIT}")
    if brings_its_size(values, volid) and "size" in values:
        found.grow[slot] = values["size"]


def brings_its_size(values: Values, volid: str | None) -> bool:
    """Whether a volume that is new in its slot has a size already, so that it is grown to another one."""
    return bool(values.get("import_from")) or (volid is not None and ":" in volid and not is_cdrom(volid))


def _change(found: Work, slot: str, values: tuple[Values, Values, Values], part: type[Volume], volid: str) -> None:
    """One volume that is there and is to be different; `values`: as it is, as it is to be, and what is declared."""
    key = str(part.default_key)
    there, target, wanted = values
    if key in wanted and wanted[key] != there.get(key):
        found.write[slot] = part.print({name: value for name, value in target.items() if name not in PLACEMENT})
        return
    options = {name: value for name, value in target.items() if name not in PLACEMENT and name != key}
    if options != {name: value for name, value in there.items() if name not in PLACEMENT and name != key}:
        found.write[slot] = part.print({**options, key: volid})
    moved: dict[str, str] = {
        name: wanted[name] for name in ("storage", "format") if name in wanted and wanted[name] != there.get(name)
    }
    if moved:
        found.move[slot] = {"storage": str(there.get("storage", "")), **moved}
    grown = grows(slot, there.get("size"), wanted.get("size"))
    if grown:
        found.grow[slot] = grown


def grows(slot: str, there: str | None, wanted: str | None) -> str | None:
    """The size to grow to, if any; a volume never shrinks."""
    if wanted is None or there == wanted:
        return None
    if there is not None and size_bytes(wanted) < size_bytes(there):
        raise InvalidValue(
            f"{slot}: it has {there}, and Proxmox can't shrink a volume to {wanted}; declare {there} or more"
        )
    return wanted
