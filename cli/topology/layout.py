"""Where everything is in a drawn picture, so that no two texts meet and every line can be followed.

Networks and virtual addresses are columns, guests are rows, each in the box of its host: an end of a line is where a
row meets a column. Widths are reckoned from a font whose letters are all of one width.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from cli.topology.picture import Box, Line, Picture, Row

LETTER = 0.62
"""Width of a letter as a part of its font's size; the widest among the fonts that a viewer may have."""
TITLE, NAME, NOTE = 18.0, 12.5, 11.0
"""Sizes of fonts."""
LONGEST = 32
"""Letters of a text; the rest of a longer one is left out."""

MARGIN, GAP, PAD = 24.0, 12.0, 10.0
HEAD, LEADING = 24.0, 16.0
"""The first line of a card, and each further one."""
ROW, CARD = 34.0, 24.0
"""Height of a guest's row, and of its card in it."""
RAIL = 16.0
"""How far from the left side of its card a column's line comes down."""


@dataclass(frozen=True)
class Column:
    """A network or a virtual address: its card at the top, and the line that comes down from it."""

    line: Line
    x: float
    width: float
    until: float
    """Where its line ends."""

    @property
    def rail(self) -> float:
        """Where its line is."""
        return self.x + RAIL


@dataclass(frozen=True)
class PlacedRow:
    """A guest's row; `y` is its middle."""

    row: Row
    y: float


@dataclass(frozen=True)
class PlacedBox:
    """A host's box; `name_y` is the middle of its name."""

    box: Box
    y: float
    height: float
    rows: tuple[PlacedRow, ...]

    @property
    def name_y(self) -> float:
        """Where its name is, and where the host itself meets columns."""
        return self.y + HEAD / 2 + 5


@dataclass(frozen=True)
class Layout:
    """The whole picture."""

    width: float
    height: float
    cards: float
    """Width of the guests' cards."""
    top: float
    """Where the columns' cards begin."""
    head: float
    """Height of these cards."""
    networks: tuple[Column, ...]
    vips: tuple[Column, ...]
    boxes: tuple[PlacedBox, ...]

    @property
    def middle(self) -> float:
        """Where guests' cards end, and their lines begin."""
        return MARGIN + PAD + self.cards


def layout_of(picture: Picture, legend: str) -> Layout:
    """The places of all that is in a picture; the legend stands at its bottom."""
    cards = max([*map(_width_of_box, picture.boxes), 160.0])
    columns = (*picture.networks, *picture.vips)
    top = MARGIN + TITLE + LEADING + GAP
    head = max((HEAD + LEADING * len(line.notes) + PAD for line in columns), default=-GAP)
    boxes = _boxes(picture, top + head + GAP)
    placed: list[Column] = []
    x = MARGIN + PAD + cards + GAP
    for place, line in enumerate(columns):
        own = place - len(picture.networks)
        until = _last_rank(own, boxes) if own >= 0 else _last_end(place, boxes)
        placed.append(Column(line, x, _width_of_column(place, picture), until))
        x += placed[-1].width + GAP
    texts = [text_width(legend, NOTE), text_width(clipped(picture.title), TITLE), text_width(picture.summary, NOTE)]
    bottom = boxes[-1].y + boxes[-1].height + GAP if boxes else top + head + GAP
    return Layout(
        width=max(x - GAP + PAD + MARGIN, max(texts) + 2 * MARGIN),
        height=bottom + LEADING + PAD,
        cards=cards,
        top=top,
        head=head,
        networks=tuple(placed[: len(picture.networks)]),
        vips=tuple(placed[len(picture.networks) :]),
        boxes=tuple(boxes),
    )


def text_width(text: str, size: float) -> float:
    """How wide a text is; the letters of some scripts are twice as wide."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text) * LETTER * size


def clipped(text: str) -> str:
    """A text of bearable length."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _boxes(picture: Picture, y: float) -> list[PlacedBox]:
    found: list[PlacedBox] = []
    for box in picture.boxes:
        first = y + HEAD + LEADING * len(box.notes) + PAD
        rows = tuple(PlacedRow(row, first + ROW * place + ROW / 2) for place, row in enumerate(box.rows))
        height = first - y + ROW * len(rows) + (PAD / 2 if rows else 0)
        found.append(PlacedBox(box, y, height, rows))
        y += height + GAP
    return found


def _last_end(network: int, boxes: list[PlacedBox]) -> float:
    """0 for a network that nobody is in."""
    rows = [row.y for box in boxes for row in box.rows if network in _networks(row.row)]
    hosts = [box.name_y for box in boxes if network in _networks(box.box)]
    return max([*rows, *hosts], default=0)


def _networks(holder: Row | Box) -> set[int]:
    return {end.network for end in holder.ends}


def _last_rank(vip: int, boxes: list[PlacedBox]) -> float:
    rows = [row.y for box in boxes for row in box.rows if vip in row.row.ranks]
    hosts = [box.name_y for box in boxes if vip in box.box.ranks]
    return max([*rows, *hosts], default=0)


def _width_of_box(box: Box) -> float:
    """Of what stands at its left: the host, and its guests' cards."""
    rows = [text_width(clipped(row.label), NAME) + text_width(row.detail, NOTE) + PAD * 4 for row in box.rows]
    notes = [text_width(clipped(note), NOTE) + PAD for note in box.notes]
    return max(text_width(clipped(box.name), NAME) + PAD, *notes, *rows, 0.0)


def _width_of_column(place: int, picture: Picture) -> float:
    """Its card's, unless an address beside its line is wider."""
    line = (*picture.networks, *picture.vips)[place]
    texts = [text_width(clipped(line.name), NAME), *(text_width(clipped(note), NOTE) for note in line.notes)]
    rows = [(end, len(row.guests) == 1) for box in picture.boxes for row in box.rows for end in row.ends]
    hosts = [(end, True) for box in picture.boxes for end in box.ends]
    ends = [text_width(clipped(end.label(alone)), NOTE) for end, alone in (*rows, *hosts) if end.network == place]
    return max(max(texts) + 2 * PAD, RAIL + PAD + max(ends, default=0))
