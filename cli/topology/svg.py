"""A picture as SVG: one file without scripts or fonts of its own, legible on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from cli.topology.layout import (
    CARD,
    HEAD,
    LEADING,
    MARGIN,
    NAME,
    PAD,
    TITLE,
    Column,
    Layout,
    PlacedBox,
    PlacedRow,
    clipped,
    layout_of,
    text_width,
)
from cli.topology.picture import PALETTE, TYPES, Box, End, Picture, Row

IN_THE_DARK = ("#58a6ff", "#3fb950", "#f0883e", "#bc8cff", "#f778ba", "#39c5cf", "#d29922", "#ff7b72")
PLAIN = "plain"
"""The class of what has no colour of its own."""
BRIGHT_PAGE = {"page": "#ffffff", "box": "#f6f8fa", "card": "#ffffff", "edge": "#d0d7de", "ink": "#1f2328"}
DARK_PAGE = {"page": "#0d1117", "box": "#161b22", "card": "#21262d", "edge": "#3d444d", "ink": "#e6edf3"}
FAINT, FAINT_IN_THE_DARK = "#59636e", "#9198a1"
KNOB = 5.0
"""Radius of the end of a line."""


def svg(picture: Picture) -> str:
    """The text of the file."""
    legend = _legend(picture)
    at = layout_of(picture, legend)
    size = f'width="{_n(at.width)}" height="{_n(at.height)}" viewBox="0 0 {_n(at.width)} {_n(at.height)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title described">',
        f'<title id="title">{escaped(picture.title)}</title>',
        f'<desc id="described">{escaped(_described(picture))}</desc>',
        f"<style>\n{_style()}</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{_n(at.width - 1)}" height="{_n(at.height - 1)}" rx="12"/>',
        _words(MARGIN, MARGIN + TITLE * 0.8, clipped(picture.title), "title"),
        _words(MARGIN, MARGIN + TITLE + LEADING, picture.summary, "note"),
        *(_box(box, at) for box in at.boxes),
        *(line for column in at.networks for line in _rail(column, at, "rail")),
        *(line for column in at.vips for line in _rail(column, at, "rail wandering")),
        *(line for box in at.boxes for line in _host(box, at)),
        *(line for box in at.boxes for row in box.rows for line in _guest(row, at)),
        _words(MARGIN, at.height - PAD - 4, legend, "note"),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _box(placed: PlacedBox, at: Layout) -> str:
    """A host's box, below all lines."""
    size = f'width="{_n(at.width - 2 * MARGIN)}" height="{_n(placed.height)}"'
    return f'<rect class="box" x="{_n(MARGIN)}" y="{_n(placed.y)}" {size} rx="8"/>'


def _host(placed: PlacedBox, at: Layout) -> Iterator[str]:
    """What a host is called, and the virtual addresses that it can have itself."""
    x, box = MARGIN + PAD, placed.box
    yield "<g>"
    yield _words(x, placed.name_y + NAME * 0.35, clipped(box.name), "name")
    for place, note in enumerate(box.notes, 1):
        yield _words(x, placed.name_y + NAME * 0.35 + place * LEADING, clipped(note), "note")
    columns = _columns(box.ends, box.ranks, at)
    if columns:
        start = x + text_width(clipped(box.name), NAME) + PAD
        yield _lead(start, max(column.rail for column in columns), placed.name_y)
    yield from _ends(box.ends, placed.name_y, at, alone=True)
    yield from _ranks(box.ranks, placed.name_y, at)
    yield "</g>"


def _rail(column: Column, at: Layout, kind: str) -> Iterator[str]:
    """The card of a network or a virtual address, and its line."""
    line, colour = column.line, _colour(column)
    own = HEAD + LEADING * len(line.notes) + PAD
    y = at.top + at.head - own
    frame = f'x="{_n(column.x)}" y="{_n(y)}" width="{_n(column.width)}"'
    yield f"<g><title>{escaped(', '.join((line.name, *line.notes)))}</title>"
    if column.until:
        end = at.top + at.head
        yield f'<path class="{kind} s-{colour}" d="M{_n(column.rail)} {_n(end)}V{_n(column.until)}"/>'
    yield f'<rect class="card" {frame} height="{_n(own)}" rx="5"/>'
    yield f'<rect class="f-{colour}" {frame} height="4" rx="2"/>'
    yield _words(column.x + PAD, y + HEAD - 3, clipped(line.name), f"name f-{colour}")
    for place, note in enumerate(line.notes, 1):
        yield _words(column.x + PAD, y + HEAD - 3 + place * LEADING, clipped(note), "note")
    yield "</g>"


def _guest(placed: PlacedRow, at: Layout) -> Iterator[str]:
    """A guest's card, and its lines to the columns that it belongs to."""
    row, y = placed.row, placed.y
    x, base = MARGIN + PAD, placed.y + NAME * 0.35
    columns = _columns(row.ends, row.ranks, at)
    yield f"<g><title>{escaped(_told(row, at))}</title>"
    if columns:
        yield _lead(at.middle, max(column.rail for column in columns), y)
    frame = f'x="{_n(x)}" y="{_n(y - CARD / 2)}" width="{_n(at.cards)}" height="{_n(CARD)}"'
    yield f'<rect class="card" {frame} rx="5"/>'
    yield _words(x + PAD, base, clipped(row.label), "name")
    yield _words(at.middle - PAD, base, row.detail, "note last")
    yield from _ends(row.ends, y, at, alone=len(row.guests) == 1)
    yield from _ranks(row.ranks, y, at)
    yield "</g>"


def _columns(ends: Sequence[End], ranks: Mapping[int, int], at: Layout) -> list[Column]:
    """Where a row or a host has something."""
    return [at.networks[end.network] for end in ends] + [at.vips[vip] for vip in ranks]


def _ends(ends: Sequence[End], y: float, at: Layout, *, alone: bool) -> Iterator[str]:
    """Where a row or a host meets its networks, with its addresses there."""
    for end in ends:
        column = at.networks[end.network]
        colour = _colour(column)
        look = f"f-{colour}" if end.addresses else f"hollow s-{colour}"
        yield f'<circle class="{look}" cx="{_n(column.rail)}" cy="{_n(y)}" r="{_n(KNOB)}"/>'
        if end.addresses:
            yield _words(column.rail + KNOB + 3, y - 5, clipped(end.label(alone)), f"note f-{colour}")


def _ranks(ranks: Mapping[int, int], y: float, at: Layout) -> Iterator[str]:
    """Who can have a virtual address; the one that has it first is filled."""
    for vip, rank in ranks.items():
        column = at.vips[vip]
        colour, d = _colour(column), KNOB + 1.5
        look = f"f-{colour} s-{colour}" if rank == 1 else f"hollow s-{colour}"
        sides = f"l{_n(d)} {_n(d)} {_n(-d)} {_n(d)} {_n(-d)} {_n(-d)}z"
        yield f'<path class="{look}" d="M{_n(column.rail)} {_n(y - d)}{sides}"/>'
        yield _words(column.rail + d + 3, y - 5, str(rank), f"note f-{colour}")


def _lead(start: float, end: float, y: float) -> str:
    return f'<path class="lead" d="M{_n(start)} {_n(y)}H{_n(end)}"/>'


def _words(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}">{escaped(text)}</text>'


def _colour(column: Column) -> str:
    return PLAIN if column.line.colour is None else str(column.line.colour)


def _told(row: Row, at: Layout) -> str:
    """All of a row in words; a viewer shows it beside the pointer."""
    guests = [f"{name} ({TYPES[guest.type]} {guest.vmid})" for name, guest in row.guests.items()]
    ends = [" ".join([at.networks[end.network].line.name, end.label(len(row.guests) == 1)]) for end in row.ends]
    ranks = [f"{at.vips[vip].line.name} as number {rank}" for vip, rank in row.ranks.items()]
    return ": ".join(filter(None, [", ".join(guests), "; ".join(part.strip() for part in (*ends, *ranks))]))


def _described(picture: Picture) -> str:
    """The picture for who does not see it."""
    hosts = [
        f"On {box.name}: {', '.join(f'{row.label} ({row.detail})' for row in box.rows) or 'no guests'}."
        for box in picture.boxes
    ]
    networks = [f"Network {', '.join((line.name, *line.notes))}." for line in picture.networks]
    vips = [f"Virtual address {', '.join((line.name, *line.notes))}." for line in picture.vips]
    return " ".join([f"{picture.summary}.", *hosts, *networks, *vips])


def _legend(picture: Picture) -> str:
    """The signs that occur."""
    holders: list[Box | Row] = [*picture.boxes, *(row for box in picture.boxes for row in box.rows)]
    ends = [bool(end.addresses) for holder in holders for end in holder.ends]
    signs = {
        "● fixed address": any(ends),
        "○ address by DHCP, or none": not all(ends),
        "◆ has the virtual address first, ◇ next in turn": bool(picture.vips),
    }
    return "   ".join(sign for sign, occurs in signs.items() if occurs)


def _style() -> str:
    """Colours for a bright page, and others where the viewer prefers dark ones."""
    shapes = [
        "text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}",
        f".name{{font-size:{NAME}px;font-weight:600}}",
        f".title{{font:600 {_n(TITLE)}px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}}",
        ".last{text-anchor:end}",
        ".rail,.lead{fill:none}.rail{stroke-width:2.5}.wandering{stroke-dasharray:5 4}.hollow{stroke-width:2}",
    ]
    dark = [f"  {rule}" for rule in _colours(DARK_PAGE, FAINT_IN_THE_DARK, IN_THE_DARK)]
    rules = [*shapes, *_colours(BRIGHT_PAGE, FAINT, PALETTE), "@media (prefers-color-scheme:dark){", *dark, "}"]
    return "\n".join(rules) + "\n"


def _colours(page: Mapping[str, str], faint: str, palette: Sequence[str]) -> Iterator[str]:
    yield f"text{{fill:{page['ink']}}}.note{{fill:{faint}}}.lead{{stroke:{faint};stroke-opacity:.55}}"
    yield f".page,.box,.card{{stroke:{page['edge']}}}"
    yield "".join(f".{name}{{fill:{page[name]}}}" for name in ("page", "box", "card"))
    yield f".hollow{{fill:{page['box']}}}"
    for name, colour in ((PLAIN, faint), *((str(place), colour) for place, colour in enumerate(palette))):
        yield f".f-{name}{{fill:{colour}}}.s-{name}{{stroke:{colour}}}"


def _n(number: float) -> str:
    """At most one place after the point."""
    return f"{number:.1f}".removesuffix(".0")


def escaped(text: str) -> str:
    """As XML takes it: escaped, and without the characters that it can't have at all."""
    return escape("".join(letter if letter.isprintable() else " " for letter in text))
