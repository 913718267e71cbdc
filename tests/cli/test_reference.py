"""The pages about settings and commands tell of each key, and of each command with its options."""

from __future__ import annotations

import re

import pytest

from cli import reference_commands, reference_settings
from stacks.settings import Lab, kinds


@pytest.mark.parametrize("kind", kinds())
def test_each_key_of_a_kind_of_lab_is_told(kind: str) -> None:
    page = reference_settings.page()
    told = re.search(rf"^## {kind}\n(.*?)^(?:## |<a |\Z)", page, flags=re.DOTALL | re.MULTILINE)

    assert told is not None
    model: type[Lab] = kinds()[kind]
    told_keys = re.findall(r"^\| `(\w+)` \|", told[1], flags=re.MULTILINE)
    refused = {name for name, field in model.model_fields.items() if field.annotation is type(None)}
    assert set(told_keys) == set(model.model_fields) - refused


def test_each_part_of_a_page_has_a_table_where_it_is_named() -> None:
    page = reference_settings.page()

    assert set(re.findall(r"\]\(#(\w+)\)", page)) == set(re.findall(r'<a id="(\w+)">', page))


def test_each_command_is_told_with_its_options() -> None:
    page = reference_commands.page()
    parts = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", page, flags=re.DOTALL | re.MULTILINE))

    assert {"up", "sim start", "firewall verdict", "topology"} < set(parts)
    assert "`--stack` | `demo`" in parts["up"]
    assert "`NAME` | `standalone`" in parts["sim start"]
    assert all(part.split("|", 1)[0].strip() for part in parts.values()), "each says what it is for"
