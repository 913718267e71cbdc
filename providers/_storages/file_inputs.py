"""A file on a storage as it is declared: where it goes, and its one source."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from providers._runtime.errors import InvalidValue
from providers._runtime.markers import Immutable, Local, Wire
from providers._runtime.model import Inputs, Values
from providers._storages import local_files

SOURCES = ("url", "path", "data", "template", "oci")
ENDINGS = {
    "import": (".ova", ".qcow2", ".raw", ".vmdk"),
    "iso": (".iso", ".img", ".ISO", ".IMG"),
    "vztmpl": (".tar", ".tar.gz", ".tar.xz", ".tar.zst"),
}
"""Kind of content -> how the names of its files end; snippets may have any name."""


class FileInputs(Inputs):
    """A file as declared."""

    node: Annotated[str, Immutable(), Field(min_length=1)] = Field(
        description="The node that fetches it; on a storage that is not shared it is there only."
    )
    storage: Annotated[str, Immutable(), Field(min_length=1)] = Field(description="The storage that it is on.")
    content: Annotated[Literal["import", "iso", "snippets", "vztmpl"], Immutable()] = Field(
        description="What it is: an image to import, an ISO image, a snippet, or a container template."
    )
    filename: Annotated[str | None, Immutable(), Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$", max_length=255)] = (
        Field(default=None, description="Its name; that of its source where not declared.")
    )
    url: Annotated[str | None, Field(pattern=r"^https?://\S+$")] = Field(
        default=None, description="Where the node downloads it from."
    )
    path: Annotated[str | None, Local(), AfterValidator(local_files.existing)] = Field(
        default=None, description="A file of the machine that runs the program, below its folder or absolute."
    )
    data: Annotated[str | None, Local()] = Field(default=None, description="The content itself, for a small file.")
    template: str | None = Field(
        default=None, min_length=1, description="An appliance of the list that `pveam available` shows."
    )
    oci: Annotated[str | None, Wire("reference"), Field(pattern=r"^[a-z0-9][A-Za-z0-9._:/-]*:\w[\w.-]{0,127}$")] = (
        Field(
            default=None, description="An image of an OCI registry with its tag, such as `docker.io/library/debian:13`."
        )
    )
    checksum: Annotated[str | None, AfterValidator(str.lower), Field(pattern=r"^[0-9a-fA-F]{32,128}$")] = Field(
        default=None, description="The expected checksum of a URL's file; calculated for `path` and `data`."
    )
    checksum_algorithm: Annotated[
        Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] | None, Wire("checksum-algorithm")
    ] = Field(default=None, description="The kind of the checksum.")
    decompression: Annotated[Literal["bz2", "gz", "lzo", "zst"] | None, Wire("compression")] = Field(
        default=None, description="How the file behind the URL is packed; it is unpacked on the node (ISO images)."
    )
    verify_certificates: Annotated[bool | None, Wire("verify-certificates")] = Field(
        default=None, description="Whether the certificate of the URL's server is verified; true where not set."
    )
    volid: Annotated[str | None, Local()] = Field(
        default=None, description="The volume, such as `local:iso/debian.iso`; planned, and known in a preview."
    )

    @classmethod
    def completed(cls, values: Values, unknown: frozenset[str]) -> Values:
        """The name of its source, and the checksum of what is at hand."""
        found = dict(values)
        if found.get("filename") is None and "filename" not in unknown and (name := _name_of_source(values)):
            found["filename"] = name
        if not unknown & {"checksum", "checksum_algorithm"} and found.get("checksum") is None:
            algorithm = found.get("checksum_algorithm") or "sha256"
            checksum = _checksum_at_hand(values.get("path"), values.get("data"), algorithm)
            found |= {"checksum": checksum, "checksum_algorithm": algorithm} if checksum else {}
        return found

    @model_validator(mode="after")
    def _one_source(self) -> FileInputs:
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            raise InvalidValue(f"{given[-1] if given else 'url'}: a file has exactly one of {', '.join(SOURCES)}")
        source = given[0]
        if self.content == "snippets" and source not in ("path", "data"):
            raise InvalidValue(f"{source}: Proxmox fetches no snippets; give `path` or `data`")
        if source in ("template", "oci") and self.content != "vztmpl":
            raise InvalidValue(f"content: what comes from `{source}` is a container template (vztmpl)")
        if source == "template" and self.filename != self.template:
            raise InvalidValue(f"filename: Proxmox calls it {self.template}")
        for name in ("decompression", "verify_certificates"):
            if source != "url" and getattr(self, name) is not None:
                raise InvalidValue(f"{name}: only a download (`url`) has that")
        if self.decompression and self.content != "iso":
            raise InvalidValue("decompression: Proxmox unpacks ISO images only")
        return self

    @model_validator(mode="after")
    def _name_fits_the_content(self) -> FileInputs:
        if self.filename is None:
            raise InvalidValue("filename: it is required, since the source has no name")
        endings = ENDINGS.get(self.content)
        if endings and not self.filename.endswith(endings):
            raise InvalidValue(
                f"filename: {self.filename!r} is no name for {self.content}, whose files end in {', '.join(endings)}"
            )
        if self.oci and not self.filename.endswith(".tar"):
            raise InvalidValue("filename: an OCI image is kept as a .tar")
        return self

    @model_validator(mode="after")
    def _checksum_is_right(self) -> FileInputs:
        if (self.checksum is None) != (self.checksum_algorithm is None):
            raise InvalidValue("checksum: it goes with checksum_algorithm, and neither without the other")
        if self.checksum is None or self.url is not None:
            return self
        there = _checksum_at_hand(self.path, self.data, str(self.checksum_algorithm))
        if there is None:
            raise InvalidValue(
                "checksum: Proxmox knows that of an appliance itself, and that of an OCI image nobody does"
            )
        if there != self.checksum:
            raise InvalidValue(f"checksum: the content is another one, with {self.checksum_algorithm} {there}")
        return self


def _name_of_source(values: Values) -> str | None:
    """`debian.iso` of `https://example.org/debian.iso?x=1`."""
    if isinstance(values.get("oci"), str):
        return f"{values['oci'].rpartition('/')[2].replace(':', '_')}.tar"
    text = next((values[name] for name in ("url", "path", "template") if isinstance(values.get(name), str)), "")
    return re.sub(r"[?#].*", "", text).rstrip("/").rpartition("/")[2] or None


def _checksum_at_hand(path: Any, data: Any, algorithm: str) -> str | None:
    """The checksum of what need not be fetched; None where there is nothing, or what is there can't be read."""
    try:
        if isinstance(data, str):
            return local_files.checksum_of(data.encode(), algorithm)
        return local_files.checksum(path, algorithm) if isinstance(path, str) else None
    except (OSError, ValueError):
        return None
