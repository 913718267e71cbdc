"""The page about all keys of a stack's file, made from the schema by which editors complete and check it."""

from __future__ import annotations

import json
from typing import Any

from cli import schema

Json = dict[str, Any]
INTRODUCTION = """# Settings

What may stand in `stacks/Pulumi.<stack>.yaml`, below `config`. An editor that knows YAML's language server completes
and checks it by `stacks/schema.json`, which these tables are made from. A page is checked as a whole before anything is
made.
"""


def page() -> str:
    """The keys of the project, then those of each kind of lab with their parts."""
    whole: Json = json.loads(schema.text())
    keys: Json = whole["properties"]["config"]["properties"]
    labs = {
        each["if"]["properties"]["kind"]["const"]: each["then"]["$ref"].rpartition("/")[2]
        for each in keys["proxmox:lab"]["allOf"]
    }
    lines = [INTRODUCTION, "| key | what it is |", "|---|---|"]
    lines += [f"| `{key}` | {_told(value)} |" for key, value in keys.items()]
    shown: set[str] = set()
    for kind, model in labs.items():
        lines += ["", f"## {kind}", "", _first_line(whole["$defs"][model]), "", *_table(whole["$defs"][model])]
        for name in _names(whole["$defs"][model]):
            lines += _parts(name, whole["$defs"], shown)
    return "\n".join(lines) + "\n"


def _parts(first: str, models: Json, shown: set[str]) -> list[str]:
    """A table of a model, and then one of each model in it that has not been shown yet."""
    lines: list[str] = []
    waiting = [first]
    while waiting:
        name = waiting.pop(0)
        if name in shown or "properties" not in models[name]:
            continue
        shown.add(name)
        lines += ["", f'<a id="{name}"></a>', "", f"### {_short(name)}", "", _first_line(models[name]), ""]
        lines += _table(models[name])
        waiting += _names(models[name])
    return lines


def _table(model: Json) -> list[str]:
    required = model.get("required", [])
    lines = ["| key | type | default | what it is |", "|---|---|---|---|"]
    for key, value in model["properties"].items():
        default = "required" if key in required else f"`{json.dumps(value.get('default'), ensure_ascii=False)}`"
        lines.append(f"| `{key}` | {_type(value)} | {default} | {_told(value)} |")
    return lines


def _short(name: str) -> str:
    """Models of one name have their modules before it, which tell a reader of YAML nothing."""
    return name.rpartition("__")[2]


def _first_line(model: Json) -> str:
    return str(model.get("description", "")).partition("\n")[0]


def _told(value: Json) -> str:
    return str(value.get("description", "")).replace("|", "\\|").replace("\n", " ")


def _type(value: Json) -> str:
    """A type as a reader of YAML would call it; a part leads to its own table."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{_short(name)}](#{name})"
    if "anyOf" in value:
        return " or ".join(_type(each) for each in value["anyOf"] if each != schema.NOTHING)
    if "const" in value or "enum" in value:
        return ", ".join(f"`{each}`" for each in value.get("enum", [value.get("const")]))
    if value.get("type") == "array":
        return f"list of {_type(value.get('items', {}))}"
    if value.get("type") == "object":
        held = next(iter(value.get("patternProperties", {}).values()), value.get("additionalProperties"))
        return f"map of {_type(held)}" if isinstance(held, dict) else "map"
    words = {"string": "text", "integer": "number", "number": "number", "boolean": "yes or no"}
    return words.get(value.get("type", ""), "anything")


def _names(value: Any) -> list[str]:
    """The models that a model names, in their order."""
    if isinstance(value, list):
        return [name for each in value for name in _names(each)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"].rpartition("/")[2]] if "$ref" in value else []
    return own + [name for key, each in value.items() if key != "$ref" for name in _names(each)]
