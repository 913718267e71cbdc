"""What has been found as the files of a program: the module of a kind of lab, and its parts where it is large."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from cli.adoption.finding import Findings, LeftOut, Named
from cli.adoption.mentions import GUESTS, Path
from cli.adoption.printing import STEP, WIDTH, Code, call
from cli.adoption.references import LAB, NONE
from cli.adoption.written import module_of
from cli.topology.picture import natural

ONE_FILE = 300
"""Lines up to which a program is one file."""
STATEMENTS = 50
"""As many as the linter lets a function have; where there are more guests, each pool's have a file of their own."""
ADOPTED = "components.adopted"
LAB_IMPORT = "from stacks.settings import Lab"
ABOUT = {
    "access": "Realms, roles, groups and users.",
    "datacenter": "Options of the datacenter and of its nodes, metrics servers, and hardware that has a name.",
    "storages": "Pools and storages.",
    "networks": "The nodes' networks, and the software-defined ones.",
    "guests": "Virtual machines and containers.",
    "firewalls": "The firewalls of the cluster, the nodes, the guests and the virtual networks.",
    "availability": "High availability, replication and backups.",
    "permissions": "What users and groups are permitted.",
}


class Program:
    """The program of one kind of lab."""

    def __init__(self, kind: str, found: Findings, connection: str | None) -> None:
        self.kind = kind
        self.module = module_of(kind)
        self._families = _by_pool({family: named for family, named in found.families.items() if named})
        self._left_out = found.left_out
        self._connection = {"connection": connection} if connection else {}

    def files(self) -> dict[str, str]:
        """Path in the checkout -> text."""
        parts = {family: self._part(family) for family in self._families}
        whole = [*self._left_out_lines(), *(line for part in parts.values() for line in part)]
        if len(whole) <= ONE_FILE:
            return {f"stacks/{self.module}.py": self._main(parts)}
        package = f"stacks/_{self.module}"
        files = {f"{package}/{family}.py": self._part_file(family, part) for family, part in parts.items()}
        about = f'"""What belongs to {self.kind}, by what it is."""\n'
        return {f"stacks/{self.module}.py": self._main(None), f"{package}/__init__.py": about, **files}

    def resources(self) -> str:
        """The resources alone, to be put into a program that is there."""
        lines = [line for family in self._families for line in self._statements(self._families[family], indent=0)]
        waiting = {"after"} & self._used(self._families)
        imports = [*([_import(ADOPTED, waiting)] if waiting else []), *self._imports(self._families)]
        return "\n".join([*imports, "", *lines]) + "\n" if lines else ""

    # ------------------------------------------------------------ files

    def _main(self, parts: Mapping[str, Sequence[str]] | None) -> str:
        """The kind of lab, with its parts in it; without `parts`, these are files of their own."""
        class_name = "".join(word.capitalize() for word in self.kind.split("-"))
        package = f"stacks._{self.module}"
        inside = parts or {}
        imports = self._imports(inside) if parts is not None else [_import(package, self._families)]
        calls = [
            f"{family}{'.declare' if parts is None else ''}({LAB if self._is_of_the_lab(family) else ''})"
            for family in self._families
        ]
        lines = [
            '"""What was found on the hosts, and taken over by `proxmox-labs adopt`."""',
            "",
            *self._left_out_lines(),
            *self._lint(inside, [*self._left_out_lines(), *chain(*inside.values())]),
            "from __future__ import annotations",
            "",
            "from typing import Any, Literal",
            "",
            *sorted([*imports, _import(ADOPTED, {"AdoptedLab", *self._used(inside)}), LAB_IMPORT], key=_module_in),
            "",
            "",
            f"class {class_name}(Lab):",
            '    """The environment, all of which the program says."""',
            "",
            f'    kind: Literal["{self.kind}"]',
            "",
            "    def compose(self) -> dict[str, Any]:",
            '        """Declare it."""',
            f"        {LAB} = AdoptedLab()",
            *(f"        {line}" for line in calls),
            f"        return {LAB}.exports(self.kind)",
        ]
        for family, part in inside.items():
            lines += ["", "", f"def {family}({self._parameter(family)}) -> None:", f'    """{_about(family)}"""', *part]
        return "\n".join(lines) + "\n"

    def _part_file(self, family: str, part: Sequence[str]) -> str:
        lines = [
            f'"""{_about(family)}"""',
            "",
            *self._lint([family], part),
            "from __future__ import annotations",
            "",
            *([_import(ADOPTED, used)] if (used := self._used([family])) else []),
            *self._imports([family]),
            "",
            "",
            f"def declare({self._parameter(family)}) -> None:",
            '    """Declare them."""',
            *part,
        ]
        return "\n".join(lines) + "\n"

    def _lint(self, families: Iterable[str], lines: Iterable[str]) -> list[str]:
        """What the linter finds in texts and numbers that are the environment's."""
        rules = {
            "PLR0915": any(len(self._families[family]) > STATEMENTS for family in families),
            "RUF001, RUF003, RUF100": not all(map(str.isascii, lines)),
        }
        found = ", ".join(rule for rule, broken in rules.items() if broken)
        return [f"# ruff: noqa: {found} - it is as long, and written as, what was found", ""] if found else []

    def _imports(self, families: Iterable[str]) -> list[str]:
        kinds = {named.it.kind: named.class_name for family in families for named in self._families[family]}
        return [f"from providers.{kind} import {kinds[kind]}" for kind in sorted(kinds)]

    def _used(self, families: Iterable[str]) -> set[str]:
        """What the resources of some families take from `components.adopted`."""
        families = list(families)
        waiting = any(named.references.after for family in families for named in self._families[family])
        return {
            *(["AdoptedLab"] if any(map(self._is_of_the_lab, families)) else []),
            *(["after"] if waiting else []),
        }

    def _is_of_the_lab(self, family: str) -> bool:
        """Whether its resources name others, or are named."""
        return any(named.references != NONE for named in self._families[family])

    def _parameter(self, family: str) -> str:
        return f"{LAB}: AdoptedLab" if self._is_of_the_lab(family) else ""

    # ------------------------------------------------------------ lines

    def _part(self, family: str) -> list[str]:
        return list(self._statements(self._families[family], indent=STEP))

    def _statements(self, objects: Sequence[Named], indent: int) -> Iterator[str]:
        for each in objects:
            for note in each.it.notes:
                yield from comment(f"not declared: {note}", indent)
            arguments = {**_referring(each), **self._connection, "adopt": "required"}
            kept = f"{each.references.variable} = " if each.references.variable else ""
            yield from call(f"{kept}{each.class_name}", each.name, list(arguments.items()), indent).split("\n")

    def _left_out_lines(self) -> list[str]:
        if not self._left_out:
            return []
        return [*comment("Left out:", 0), *(line for each in self._left_out for line in comment(told(each), 0)), ""]


def _by_pool(families: dict[str, list[Named]]) -> dict[str, list[Named]]:
    """Many guests by their pools, after the templates and those that are in none."""
    found: dict[str, list[Named]] = {}
    for family, objects in families.items():
        divided = family == GUESTS and len(objects) > STATEMENTS
        for each in sorted(objects, key=_pool_of) if divided else objects:
            pool = re.sub(r"\W", "_", _pool_of(each).lower(), flags=re.ASCII) if divided else ""
            found.setdefault(f"{family}_{pool}" if pool else family, []).append(each)
    return found


def _pool_of(each: Named) -> str:
    return "" if each.it.args.get("template") else str(each.it.args.get("pool") or "")


def _about(family: str) -> str:
    """What is in a file."""
    whole, _, pool = family.partition("_")
    return f"{ABOUT[whole].removesuffix('.')}: the pool {pool}." if pool else ABOUT[whole]


def _import(module: str, names: Iterable[str]) -> str:
    """Some names of a module, one in each line where they are too many for one."""
    there = sorted(names, key=natural)
    line = f"from {module} import {', '.join(there)}"
    return (
        line if len(line) <= WIDTH else "\n".join([f"from {module} import (", *(f"    {name}," for name in there), ")"])
    )


def _referring(each: Named) -> dict[str, Any]:
    """The arguments of a resource, with the outputs of others in their places."""
    waits = {"opts": Code("after", tuple(map(Code, each.references.after)))} if each.references.after else {}
    return {
        **{name: _with_outputs(value, each.references.outputs, (name,)) for name, value in each.it.args.items()},
        **waits,
    }


def _with_outputs(value: Any, outputs: Mapping[Path, str], path: Path) -> Any:
    if path in outputs:
        return Code(outputs[path])
    if isinstance(value, Mapping):
        return {key: _with_outputs(item, outputs, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_outputs(item, outputs, (*path, place)) for place, item in enumerate(value)]
    return value


def told(each: LeftOut) -> str:
    """What is left out, in a line."""
    return f"- {each.what}: {each.why}"


def comment(text: str, indent: int) -> Iterator[str]:
    """A text as comment lines, whatever is in it."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    further = "  " if plain.startswith("- ") else ""
    yield from textwrap.wrap(
        plain, WIDTH, initial_indent=f"{' ' * indent}# ", subsequent_indent=f"{' ' * indent}# {further}"
    )  # fmt: skip


def _module_in(line: str) -> str:
    """The module that an import is from, as the linter sorts them."""
    return line.split()[1]
