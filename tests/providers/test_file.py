"""Files on storages: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from providers._runtime.client import Client
from providers._runtime.errors import AlreadyThere, Missing
from providers._runtime.facts import Facts
from providers._runtime.model import canonical
from providers._storages.file_inputs import FileInputs
from tests.conftest import Simulator
from tests.providers.guests import Driver, tasks
from tests.runtime.doors import connection_to, soon
from tests.runtime.test_ssh import access_to

ONE, OTHER = "0123456789abcdef" * 4, "fedcba9876543210" * 4
EXAMPLE = {
    "node": "pve1",
    "storage": "local",
    "content": "vztmpl",
    "filename": "it.tar",
    "url": "https://images.example.org/it.tar",
    "checksum": ONE,
    "checksum_algorithm": "sha256",
}
UPDATES = [
    {**EXAMPLE, "checksum": OTHER},
    {**EXAMPLE, "url": "https://images.example.org/next/it.tar", "checksum": ONE, "verify_certificates": False},
]
DRIFT = [
    ("DELETE", "/nodes/pve1/storage/local/content/local:vztmpl/it.tar", {}),
    ("POST", "/nodes/pve1/storage/local/oci-registry-pull", {"reference": "debian:13", "filename": "it"}),
]
