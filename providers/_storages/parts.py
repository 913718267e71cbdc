"""Property strings that storages share with backups: retention, bandwidth, folders."""

from __future__ import annotations

from pydantic import Field, model_validator

from providers._runtime.errors import InvalidValue
from providers._runtime.wire import Part


class PruneBackups(Part):
    """How many backups are kept."""

    keep_all: bool | None = Field(
        default=None, alias="keep-all", description="All of them; then nothing else may be set."
    )
    keep_last: int | None = Field(default=None, alias="keep-last", ge=0, description="That many, the newest ones.")
    keep_hourly: int | None = Field(
        default=None, alias="keep-hourly", ge=0, description="The last one of that many hours."
    )
    keep_daily: int | None = Field(
        default=None, alias="keep-daily", ge=0, description="The last one of that many days."
    )
    keep_weekly: int | None = Field(
        default=None, alias="keep-weekly", ge=0, description="The last one of that many weeks."
    )
    keep_monthly: int | None = Field(
        default=None, alias="keep-monthly", ge=0, description="The last one of that many months."
    )
    keep_yearly: int | None = Field(
        default=None, alias="keep-yearly", ge=0, description="The last one of that many years."
    )

    @model_validator(mode="after")
    def _all_or_some(self) -> PruneBackups:
        if self.keep_all and len(self.model_fields_set) > 1:
            raise InvalidValue("keep_all can't be set together with other options")
        return self


class BandwidthLimits(Part):
    """KiB/s that work on the storage may take; 0 for no limit."""

    default: float | None = Field(default=None, ge=0, description="Where nothing else is said.")
    clone: float | None = Field(default=None, ge=0, description="Cloning disks.")
    migration: float | None = Field(default=None, ge=0, description="Migrating guests with their local disks.")
    move: float | None = Field(default=None, ge=0, description="Moving disks.")
    restore: float | None = Field(default=None, ge=0, description="Restoring guests from backups.")


class ContentDirs(Part):
    """Folders, below the storage's path, of kinds of content that are not where they usually are."""

    backup: str | None = Field(default=None, description="Backups, instead of `dump`.")
    images: str | None = Field(default=None, description="Disks of machines, instead of `images`.")
    import_: str | None = Field(default=None, alias="import", description="Images to import, instead of `import`.")
    iso: str | None = Field(default=None, description="ISO images, instead of `template/iso`.")
    rootdir: str | None = Field(default=None, description="Volumes of containers, instead of `private`.")
    snippets: str | None = Field(default=None, description="Snippets, instead of `snippets`.")
    vztmpl: str | None = Field(default=None, description="Container templates, instead of `template/cache`.")
