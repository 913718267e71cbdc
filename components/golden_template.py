"""One template on several nodes: made side by side of the same image, or of a guest, and called the same everywhere.

A template is made where its clones will be: linked clones and local storages don't reach beyond a node. The nodes may
be those of a cluster, or hosts of connections of their own.

When the image changes, `keep` leaves the templates as they are. `replace` makes new ones first and then removes the old
ones; one that linked clones still need is not removed, and the run says which clones these are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import pulumi
from pydantic import Field

from components.placement import Size
from providers.file import File
from providers.vm import VirtualMachine


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a template is made."""

    node: str
    connection: str | None = None
    """Name of the host's connection, where the stack has several."""
    storage: str = "local-lvm"
    """Where the template's disk is, and so its linked clones' disks."""
    image_storage: str = "local"
    """Where the image is kept; it has to be for `import`."""

    @property
    def name(self) -> str:
        """Nodes of different hosts may be called the same."""
        return f"{self.connection}-{self.node}" if self.connection else self.node


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image of a disk: behind a URL, with the checksum that says which one is meant, or on this machine."""

    url: str | None = None
    checksum: str | None = None
    checksum_algorithm: str = "sha256"
    path: str | None = None

    def __post_init__(self) -> None:
        if (self.url is None) == (self.path is None) or (self.url is None) != (self.checksum is None):
            raise ValueError("an image has a url with its checksum, or a path")

    @property
    def digest(self) -> str:
        """The first twelve digits of its checksum."""
        if self.checksum is not None:
            return self.checksum[:12].lower()
        with Path(str(self.path)).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:12]

    @property
    def source(self) -> dict[str, Any]:
        """As a file takes it."""
        if self.path is not None:
            return {"path": self.path}
        return {
            "url": str(self.url),
            "checksum": str(self.checksum),
            "checksum_algorithm": self.checksum_algorithm,
        }

    @property
    def filename(self) -> PurePosixPath:
        """Its own name; Proxmox imports `.qcow2`, `.raw` and `.vmdk`."""
        name = PurePosixPath((self.path or str(self.url)).partition("?")[0])
        return PurePosixPath(name.name).with_suffix(".qcow2" if name.suffix == ".img" else name.suffix)


@dataclass(frozen=True, kw_only=True)
class Template:
    """What the guests of a lab are clones of, on each of its hosts."""

    name: Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]
    disk: Size
    image: Image | None = None
    guest: str | None = None
    """Name of a guest that is there already on each of them and is copied, instead of an image."""
    linked: bool = True
    """Whether clones share the template's disk; they are made at once, and keep the template from going."""
    on_image_change: Literal["keep", "replace"] = "keep"

    def made_at(self, places: Sequence[Place], bridge: str, **options: Any) -> GoldenTemplateArgs:
        """As `GoldenTemplate` takes it; with anything else that a virtual machine takes."""
        return GoldenTemplateArgs(
            places=places,
            template_name=self.name,
            image=self.image,
            guest=self.guest,
            disk=self.disk,
            on_image_change=self.on_image_change,
            bridge=bridge,
            options=options,
        )


@dataclass(frozen=True, kw_only=True)
class GoldenTemplateArgs:
    """What the templates are made of, and what they have in common."""

    places: Sequence[Place]
    template_name: str
    image: Image | None = None
    guest: str | None = None
    """Name of the guest that is copied, instead of an image."""
    disk: str | None = None
    """Size that the disk is grown to."""
    on_image_change: Literal["keep", "replace"] = "keep"
    cores: int = 2
    memory: int = 2048
    bridge: str = "vmbr0"
    options: Mapping[str, Any] = field(default_factory=dict)
    """Anything else that a virtual machine takes."""

    def __post_init__(self) -> None:
        if (self.image is None) == (self.guest is None):
            raise ValueError("a template is made of an image, or of a guest")


class GoldenTemplate(pulumi.ComponentResource):
    """The same template on each of some nodes."""

    vmids: pulumi.Output[dict[str, int]]
    """Place -> VMID of its template."""

    def __init__(self, name: str, args: GoldenTemplateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:GoldenTemplate", name, None, opts)
        templates = {place.name: self._template(name, place, args) for place in args.places}
        self.vmids = pulumi.Output.all(**{place: template.vmid for place, template in templates.items()})
        self.register_outputs({"vmids": self.vmids})

    def _template(self, name: str, place: Place, args: GoldenTemplateArgs) -> VirtualMachine:
        """A new image makes another resource where it is to replace: the engine removes the old one at the end."""
        replaces = args.image is not None and args.on_image_change == "replace"
        version = f"-{args.image.digest}" if args.image is not None and replaces else ""
        label = f"{name}-{place.name}{version}"
        return VirtualMachine(
            label,
            pulumi.ResourceOptions(parent=self),
            connection=place.connection,
            node=place.node,
            name=args.template_name,
            template=True,
            cores=args.cores,
            memory=args.memory,
            net={"net0": {"model": "virtio", "bridge": args.bridge}},
            **(self._from_guest(place, args) if args.guest else self._from_image(label, version, place, args)),
            **args.options,
        )

    def _from_image(self, label: str, version: str, place: Place, args: GoldenTemplateArgs) -> dict[str, Any]:
        """A disk with the image's content, as images for the cloud want it: cloud-init, and a serial console."""
        image = args.image
        assert image is not None  # noqa: S101 - told to mypy; the arguments have been checked
        file = File(
            f"{label}-image",
            pulumi.ResourceOptions(parent=self),
            connection=place.connection,
            node=place.node,
            storage=place.image_storage,
            content="import",
            filename=f"{image.filename.stem}{version}{image.filename.suffix}",
            **image.source,
        )
        size = {"size": args.disk} if args.disk else {}
        return {
            "disks": {
                "scsi0": {"storage": place.storage, "import_from": file.volid, **size},
                "ide2": {"file": f"{place.storage}:cloudinit"},
            },
            "scsihw": "virtio-scsi-single",
            "boot": {"order": ["scsi0"]},
            "agent": {"enabled": True},
            "serial0": "socket",
            "vga": {"type": "serial0"},
            "ostype": "l26",
        }

    @staticmethod
    def _from_guest(place: Place, args: GoldenTemplateArgs) -> dict[str, Any]:
        """A copy, so that the guest itself may change and go."""
        disks = {"disks": {"scsi0": {"size": args.disk}}} if args.disk else {}
        return {"clone": {"name": args.guest, "full": True, "storage": place.storage}, **disks}
