"""The files of a program: whatever was found, they say it and nothing else."""

from __future__ import annotations

import ast
from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from cli.adoption.command import with_lab
from cli.adoption.finding import Findings, LeftOut, Named
from cli.adoption.printing import WIDTH
from cli.adoption.program import ABOUT, Program
from cli.adoption.reading import Declaration
from cli.adoption.sources import FAMILIES
from cli.adoption.written import Call, calls

TEXT = st.text(max_size=60) | st.text(alphabet="ab \n#\"'\\\u2028\x0b\x00\ud800", max_size=300)
ARGS = st.dictionaries(st.sampled_from(["comment", "description", "poolid"]), TEXT | st.lists(TEXT), max_size=3)
LONG = "\n".join(["x = 1", "\u2028import os", "# " * 200])


@given(
    pools=st.lists(st.tuples(TEXT, ARGS, st.lists(TEXT, max_size=2)), max_size=4),
    guests=st.lists(st.tuples(TEXT, ARGS), max_size=3),
    left_out=st.lists(st.builds(LeftOut, TEXT, TEXT), max_size=3),
    connection=st.none() | st.just("lab"),
)
@example(pools=[(LONG, {"comment": LONG}, [LONG])] * 60, guests=[], left_out=[LeftOut(LONG, LONG)] * 99, connection="x")
def test_a_program_makes_what_was_found(
    pools: list[tuple[str, dict[str, Any], list[str]]],
    guests: list[tuple[str, dict[str, Any]]],
    left_out: list[LeftOut],
    connection: str | None,
) -> None:
    families = {
        "storages": [Named(name, Declaration("pool", "", args, notes)) for name, args, notes in pools],
        "guests": [Named(name, Declaration("vm", "", args)) for name, args in guests],
    }

    files = Program("an-office", Findings(families, left_out), connection).files()

    made = [call for text in files.values() for call in calls(text, ["Pool", "VirtualMachine"])]
    own = {"connection": connection} if connection else {}
    assert sorted(made, key=repr) == sorted(
        [
            *(Call("Pool", name, {**args, **own, "adopt": "required"}) for name, args, _ in pools),
            *(Call("VirtualMachine", name, {**args, **own, "adopt": "required"}) for name, args in guests),
        ],
        key=repr,
    )
    for text in files.values():
        assert {type(node) for node in ast.parse(text).body} <= {
            ast.Expr, ast.ImportFrom, ast.ClassDef, ast.FunctionDef,
        }  # fmt: skip


def test_a_program_begins_with_what_it_does_not_have() -> None:
    found = Findings({"storages": []}, [LeftOut("Pool odd", "because\nof this " + "and that " * 30)])

    (text,) = Program("office", found, None).files().values()

    assert "\n# Left out:\n# - Pool odd: because of this and that" in text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_many_guests_are_in_files_by_their_pools() -> None:
    pools = ["", "Web", "web/inner-1"] * 110
    guests = [
        Named(f"g{number}", Declaration("vm", "", {"vmid": number, **({"pool": pool} if pool else {})}))
        for number, pool in enumerate(pools)
    ]

    files = Program("office", Findings({"guests": guests}, []), None).files()

    names = {
        file.removeprefix("stacks/_office/"): [call.name for call in calls(text, ["VirtualMachine"])]
        for file, text in files.items()
        if "guests" in file
    }
    assert names == {
        "guests.py": [f"g{number}" for number in range(0, 330, 3)],
        "guests_web.py": [f"g{number}" for number in range(1, 330, 3)],
        "guests_web_inner_1.py": [f"g{number}" for number in range(2, 330, 3)],
    }
    assert "        guests.declare()\n        guests_web.declare()\n" in files["stacks/office.py"]
    assert files["stacks/_office/guests_web.py"].startswith('"""Virtual machines and containers: the pool web."""')


def test_a_page_gets_its_lab_and_keeps_everything_else() -> None:
    pages = {
        "config:\n  # where\n  proxmox:simulator: standalone\n": "  # where\n",
        "# page\nencryptionsalt: v1:x\nconfig: # all of it\n    a:b:\n        secure: v1\n": "    a:b:\n",
        "config: {proxmox:simulator: standalone}\n": "simulator",
        "": "config:\n",
    }
    for page, kept in pages.items():
        changed = with_lab(page, "office")
        assert kept in changed
        before, after = yaml.safe_load(page) or {}, yaml.safe_load(changed)
        assert after == {**before, "config": {**before.get("config", {}), "proxmox:lab": {"kind": "office"}}}
        assert with_lab(changed, "other") == changed


def test_every_family_of_types_is_explained() -> None:
    assert list(ABOUT) == list(FAMILIES)
