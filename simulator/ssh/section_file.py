"""Files of sections: a head such as `dir: local`, an indented line per option, and an empty line.

Storages, realms, jobs, resources of the HA manager, networks and mappings are kept so. Proxmox reads what it can:
a line that says nothing it knows is left out with a warning, and so is a section of a type that there is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from simulator.records import Section
from simulator.schema import Param, check
from simulator.ssh.text import decode_text, encode_text, lines_of

Warn = Callable[[str], None]
_OPTION = re.compile(r"\s+(\S+)(?:\s+(.*\S))?")
_HEAD = re.compile(r"(\S+):\s*(\S+)")
_ENCODED = "comment"


def silently(_text: str) -> None:
    """Warn nobody."""


@dataclass(frozen=True, slots=True)
class SectionForm:
    """What may stand in a file: its types with the options of each, and what these have to look like."""

    path: str
    params: Mapping[str, Param]
    knows: Callable[[str, str], bool]
    """Whether a type has an option."""
    required: Mapping[str, frozenset[str]]
    """The types, with the options that a section must have."""
    valid_id: Callable[[str], bool] = lambda name: re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9\-_.:]*", name) is not None
    heads: Mapping[str, str] = field(default_factory=dict)
    """How a type is written in a head, where that is not its own name; empty for a head that is the id alone."""
    hidden: frozenset[str] = frozenset()
    """Options that are kept elsewhere, as secrets are."""

    def render(self, sections: Iterable[Section]) -> str:
        """Write the file."""
        return "".join(self._section(section) for section in sections)

    def _section(self, section: Section) -> str:
        options = {key: value for key, value in section.options.items() if key not in self.hidden}
        head = self.heads.get(section.type, section.type)
        lines = [f"{head}: {section.id}" if head else section.id]
        if options.get(_ENCODED):
            lines.append(f"\t{_ENCODED} {encode_text(options[_ENCODED])}")
        if options.get("disable", "0") == "1":
            lines.append("\tdisable")
        needed = self.required[section.type]
        for key in sorted(options.keys() - {_ENCODED, "disable"}, key=lambda key: (key not in needed, key)):
            lines += [f"\t{key} {value}".rstrip() for value in self._values(key, options[key])]
        return "\n".join(lines) + "\n\n"

    def _is_list(self, key: str) -> bool:
        return key in self.params and self.params[key].type == "array"

    def _values(self, key: str, value: str) -> list[str]:
        return value.split("\n") if self._is_list(key) else [value]

    def parse(self, text: str, warn: Warn = silently) -> list[Section]:
        """Read the file as Proxmox does; `warn` is told what is left out."""
        found: dict[str, Section] = {}
        current: Section | None = None
        skipping = False
        for number, line in lines_of(text):
            where = f"file {self.path} line {number}"
            if not line.strip() or line.lstrip().startswith("#"):
                current, skipping = (None, False) if not line.strip() else (current, skipping)
            elif line[:1] in " \t" and (current is not None or skipping):
                if current is not None:
                    current = found[current.id] = self._with_option(current, line, where, warn)
            else:
                current = self._begin(line, where, warn)
                skipping = current is None
                if current is not None:
                    found[current.id] = current
        return [section for section in found.values() if self._is_whole(section, warn)]

    def _begin(self, line: str, where: str, warn: Warn) -> Section | None:
        only = next((kind for kind, head in self.heads.items() if not head), "")
        match = re.fullmatch(r"()(\S+)", line) if only else _HEAD.fullmatch(line)
        if match is None:
            warn(f"{where}: ignore config line: {line.strip()}")
            return None
        kinds = {self.heads.get(kind, kind): kind for kind in self.required}
        kind, name = kinds.get(match[1]), match[2]
        if kind is None:
            warn(f"{where} (skip section '{name}'): unsupported type '{match[1]}'")
            return None
        if not self.valid_id(name):
            warn(f"{where} (skip section '{name}'): invalid ID")
            return None
        return Section(id=name, type=kind)

    def _with_option(self, section: Section, line: str, where: str, warn: Warn) -> Section:
        match = _OPTION.fullmatch(line)
        key, value = (match[1], match[2]) if match is not None else ("", None)
        where = f"{where} (section '{section.id}')"
        if key in section.options and not self._is_list(key):
            warn(f"{where} - unable to parse value of '{key}': duplicate attribute")
            return section
        problem = self._problem(section, key, value)
        if problem is not None:
            warn(f"{where} - unable to parse value of '{key}': {problem}")
            return section
        if value is None and self.params[key].type == "boolean":
            value = "1"
        text = decode_text(value or "") if key == _ENCODED else value or ""
        if key in section.options:
            text = f"{section.options[key]}\n{text}"
        return replace(section, options={**section.options, key: text})

    def _problem(self, section: Section, key: str, value: str | None) -> str | None:
        """Return what is wrong with an option, or None."""
        if not self.knows(section.type, key) or key not in self.params or key in self.hidden:
            return f"unexpected property '{key}'"
        param = self.params[key]
        given = "1" if value is None and param.type == "boolean" else value or ""
        errors = check({key: param}, {key: [given] if param.type == "array" else given})[1]
        return next(iter(errors.values())).strip() if errors else None

    def _is_whole(self, section: Section, warn: Warn) -> bool:
        missing = sorted(self.required[section.type] - section.options.keys() - self.hidden)
        if missing:
            text = f"missing value for required option '{missing[0]}'"
            warn(f"file {self.path} (skip section '{section.id}'): {text}")
        return not missing
