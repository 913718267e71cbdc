"""What is printed as Python means the same again, fits the page, and is laid out as the formatter would."""

from __future__ import annotations

import ast
import subprocess
import sys
from keyword import iskeyword
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from cli.adoption.printing import WIDTH, Code, call, text_of
from cli.adoption.written import Call, calls

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True).filter(lambda name: not iskeyword(name))
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
HOSTILE = "x" * 130 + "\n\"quoted\" 'too' \\ \ud83d end)\u2028adopt=1\r\n" + "word " * 60


@given(name=st.text(), args=st.dictionaries(NAMES, VALUES, max_size=5))
@example(name=HOSTILE, args={"description": HOSTILE, "net": {HOSTILE: [HOSTILE, {"": HOSTILE}]}})
def test_a_printed_resource_reads_back_as_it_was(name: str, args: dict[str, Any]) -> None:
    printed = "def all_of_it():\n" + call("Pool", name, list(args.items())) + "\n"

    assert list(calls(printed, ["Pool"])) == [Call("Pool", name, args)]


@given(name=st.text(), poolid=st.text())
@example(name=HOSTILE, poolid=HOSTILE)
def test_an_output_of_another_resource_reads_back_as_its_value(name: str, poolid: str) -> None:
    kept = f"lab.pools[{text_of(name)}]"
    waits = Code("after", (Code(kept),))
    printed = "\n".join([
        call(f"{kept} = Pool", name, [("poolid", poolid)], indent=0),
        call("VirtualMachine", name, [("pool", Code(f"{kept}.poolid")), ("opts", waits)], indent=0),
    ])  # fmt: skip
    (pool,) = calls(printed, ["Pool"])

    (guest,) = calls(printed, ["VirtualMachine"], {pool.variable: pool})

    assert pool.variable == kept
    assert guest.args == {"pool": poolid}


@given(st.text())
def test_a_text_is_one_line_that_means_the_text(text: str) -> None:
    printed = text_of(text)

    assert ast.literal_eval(printed) == text
    assert len(printed.splitlines()) == 1


def test_a_page_is_as_wide_as_the_project_has_it() -> None:
    printed = call("VirtualMachine", "web", [("description", "word " * 90), ("tags", [f"tag-{n}" for n in range(40)])])

    assert max(map(len, printed.splitlines())) <= WIDTH


def test_the_formatter_has_nothing_to_do(tmp_path: Path) -> None:
    lines = "What it is for:\n- to serve\n- \"quoted\" and 'quoted' " + "and so on " * 30
    rule = {
        "type": "in",
        "action": "ACCEPT",
        "source": "10.0.0.0/8,192.168.0.0/16",
        "dport": "80,443",
        "comment": "y" * 40,
    }
    made = [
        call("Pool", "small", [("poolid", "small"), ("adopt", "required")]),
        call("VirtualMachine", "big", [("description", lines), ("net", {"net0": {"m": ["a" * 50] * 4, "n": 1}})]),
        call("FirewallRules", "cluster", [("rules", [rule, {"type": "in", "action": 'say "so"'}]), ("mtu", 1.5)]),
        call('lab.pools["small"] = Pool', "small", [("poolid", "small"), ("opts", Code("after", (Code("lab.x"),)))]),
        call('lab.guests["big"] = VirtualMachine', "big", [
            ("disks", {"scsi0": {"storage": Code('lab.storages["nfs1"].storage'), "size": "8G"}}),
            ("opts", Code("after", tuple(Code(f'lab.networks["pve{number}"]') for number in range(9)))),
        ]),
    ]  # fmt: skip
    file = tmp_path / "made.py"
    file.write_text("def made():\n" + "\n".join(made) + "\n")

    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run(
        [ruff, "format", "--check", "--diff", "--no-cache", "--line-length=120", file],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
