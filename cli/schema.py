"""`proxmox-labs schema`: what may stand in a stack's file, as a JSON Schema, by which editors complete and check it.

Made from the settings of all kinds of lab; what a key is for is the text below the attribute in the code. A file names
it in its first line: `# yaml-language-server: $schema=schema.json`.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import textwrap
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from cli.stack import ROOT
from simulator.topology import shipped
from stacks.settings import Lab, kinds

FILE = ROOT / "stacks" / "schema.json"
NOTHING = {"type": "null"}

Out = Annotated[Path, typer.Option(help="File to write.", show_default="stacks/schema.json")]
Json = dict[str, Any]


def schema(out: Out = FILE) -> None:
    """Write the JSON Schema of the stacks' files."""
    out.write_text(text(), encoding="utf-8")
    typer.echo(f"wrote {out}")


def text() -> str:
    """The schema of a whole file."""
    labs = kinds()
    refs, definitions = models_json_schema(
        [(lab, "validation") for lab in labs.values()], schema_generator=_Described, ref_template="#/$defs/{model}"
    )
    by_kind = [
        {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": refs[lab, "validation"]}
        for kind, lab in labs.items()
    ]
    lab = {
        "description": "The lab.",
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"description": "What kind of lab it is.", "enum": list(labs)}},
        "allOf": by_kind,
    }
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A stack",
        "type": "object",
        "required": ["config"],
        "properties": {"config": _config(lab)},
        "$defs": definitions["$defs"],
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _config(lab: Json) -> Json:
    """The keys of this project; there may be others' beside them."""
    simulated = {
        "description": "Simulated hosts instead of real ones: one of these, or a file of your own.",
        "anyOf": [{"enum": shipped()}, {"type": "string"}],
    }
    parallel = {"description": "How many resources are handled at once.", "type": "integer", "minimum": 1}
    connections = {"description": "The real hosts, as a secret: `pulumi config set --secret proxmox:connections …`."}
    keys = {"lab": lab, "simulator": simulated, "connections": connections, "parallel": parallel}
    return {
        "type": "object",
        "required": ["proxmox:lab"],
        "properties": {f"proxmox:{key}": value for key, value in keys.items()},
    }


class _Described(GenerateJsonSchema):
    """Says with each key what it is for, and leaves out keys that are only there to be refused."""

    def dataclass_schema(self, schema: Any) -> Json:
        """Of a part of a page."""
        return _described(super().dataclass_schema(schema), schema["cls"])

    def model_schema(self, schema: Any) -> Json:
        """Of a part of a page, or of all of it."""
        return _described(super().model_schema(schema), schema["cls"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        """A title would be the key once more."""
        return False


def _described(made: Json, cls: type) -> Json:
    sources = [cls, cls.fields_of] if issubclass(cls, Lab) and cls.fields_of else [cls]
    said = {name: said for source in sources for name, said in _docs(source).items()}
    properties = {
        name: {"description": said[name], **value} if name in said else value
        for name, value in made.get("properties", {}).items()
        if {key: value[key] for key in value if key != "default"} != NOTHING
    }
    return {**made, "properties": properties}


def _docs(cls: type) -> dict[str, str]:
    """The texts below the attributes of a class and of those that it is made from."""
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        try:
            (parsed,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        except (OSError, TypeError):
            continue  # made while the program runs, or not in Python
        body = parsed.body if isinstance(parsed, ast.ClassDef) else []
        for attribute, below in itertools.pairwise(body):
            if isinstance(attribute, ast.AnnAssign) and isinstance(attribute.target, ast.Name):
                told = below.value if isinstance(below, ast.Expr) else None
                if isinstance(told, ast.Constant) and isinstance(told.value, str):
                    found[attribute.target.id] = " ".join(told.value.split())
    return found
