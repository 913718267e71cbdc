"""Text that stays within a limit: sections are folded into a line from their end, never cut in the middle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LOG = "see the job's log"


@dataclass(frozen=True)
class Section:
    """A part of a text that can be told in full, up to one of its blocks, or in one line."""

    title: str
    blocks: tuple[str, ...]
    """What is told whole or not at all, such as the rows of one guest."""
    what: str
    """What the blocks are: `changed resources`."""
    head: str = ""
    """What stands before the first block, such as the head of a table."""
    open: bool = True
    """Whether a reader sees it at once, or has to unfold it."""
    worth: int = 0
    """The section of the highest worth is told first where there is not room for all."""

    def text(self, blocks: int) -> str:
        """With so many of its blocks, and a line that says how many more there are."""
        left = len(self.blocks) - blocks
        if not blocks:
            return f"### {self.title}\n\n… {left} {self.what}: {LOG}\n"
        more = f"\n… {left} more {self.what}: {LOG}\n" if left else ""
        told = f"{self.head}{''.join(self.blocks[:blocks])}{more}"
        if self.open:
            return f"### {self.title}\n\n{told}"
        return f"<details><summary>{self.title}</summary>\n\n{told}\n</details>\n"


def folded(head: str, sections: Sequence[Section], limit: int) -> str:
    """The head, and as much of each section as there is room for; at least a line of each."""
    told = [section.text(0) for section in sections]
    for place in sorted(range(len(sections)), key=lambda place: -sections[place].worth):
        others = [text for other, text in enumerate(told) if other != place]
        room = limit - size_of("\n".join([head, *others, ""]))
        told[place] = _widest(sections[place], room)
    return "\n".join([head, *told])


def _widest(section: Section, room: int) -> str:
    """With the most blocks for which there is room."""
    if size_of(section.text(len(section.blocks))) <= room:
        return section.text(len(section.blocks))
    fits, too_many = 0, len(section.blocks)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if size_of(section.text(middle)) <= room else (fits, middle)
    return section.text(fits)


def size_of(text: str) -> int:
    """In bytes, which are never fewer than anybody's characters."""
    return len(text.encode())
