"""A page as its reader sees it: blocks of code, in their order, and what is said before each of them.

A block that no test can run says so in the line before it: `<!-- not run: the reason -->`.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from tests.engine import ROOT

FOLDERS = ("docs", "examples", "template")
PAGES = sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(p for f in FOLDERS for p in (ROOT / f).rglob("*.md"))})
FREE = ("", "mermaid")
"""Kinds of block that are to be looked at."""
PRINTED = ("text", "markdown")
"""Kinds of block that show what the command before them prints."""
SHELL = ("console", "sh")
PROMPT = "$ "
_GENERATED = re.compile(r"^<!-- \w+: (?:written|generated) by .*?^<!-- end.*?-->$", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(
    r"^(?P<space> *)(?:<!-- not run: (?P<why>.+) -->\n *)?```(?P<kind>\w*)\n(?P<text>.*?)^ *```$",
    re.DOTALL | re.MULTILINE,
)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_FILE = re.compile(r"`([\w./<> -]+\.(?:ya?ml|json|py))`")


@dataclass(frozen=True)
class Block:
    """A code block of a page, without the indentation of a list."""

    kind: str
    text: str
    before: str = ""
    """What the page says between the last block and this one."""
    why_not: str | None = None
    """Why no test runs it."""

    @property
    def headings(self) -> list[str]:
        """The headings between the last block and this one."""
        return _HEADING.findall(self.before)

    @property
    def file(self) -> str | None:
        """The file that it is the text of: the one that its first line names, or else the paragraph before it."""
        first = re.match(r"# (\S+\.py)\n", self.text)
        named = _FILE.findall(self.before.rstrip().rpartition("\n\n")[2])
        return first[1] if first else named[-1] if named else None

    @property
    def content(self) -> str:
        """The text of its file."""
        return re.sub(r"\A# \S+\.py\n", "", self.text)


@dataclass(frozen=True)
class Command:
    """A command of a block, and what the page shows of what it prints."""

    text: str
    printed: str = ""


def blocks(page: Path) -> list[Block]:
    """The code blocks of a page; what is generated is compared with what it is generated from, elsewhere."""
    text = _GENERATED.sub("", page.read_text(encoding="utf-8"))
    found, end = [], 0
    for match in _BLOCK.finditer(text):
        plain = re.sub(f"^{match['space']}", "", match["text"], flags=re.MULTILINE)
        found.append(Block(match["kind"], plain, text[end : match.start()], match["why"]))
        end = match.end()
    return found


def commands(text: str) -> list[Command]:
    """The commands of a block; where lines begin with a prompt, the others are what is printed."""
    lines = text.splitlines()
    if any(line.startswith(PROMPT) for line in lines):
        parts = [_first(part.splitlines()) for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]]
        return [Command(command, "\n".join(printed)) for command, printed in parts]
    found = []
    while lines:
        command, lines = _first(lines)
        found.append(Command(command))
    return [command for command in found if shlex.split(command.text, comments=True)]


def _first(lines: list[str]) -> tuple[str, list[str]]:
    """The first command of some lines, which goes on where a quotation or a line is open; and the lines after it."""
    for count in range(1, len(lines) + 1):
        text = "\n".join(lines[:count])
        try:
            shlex.split(text, comments=True)
        except ValueError:
            continue
        if not text.endswith("\\"):
            return text, lines[count:]
    raise AssertionError(f"a quotation has no end: {lines}")
