"""A picture as a flowchart of Mermaid, which GitHub draws from the text."""

from __future__ import annotations

from collections.abc import Iterator

from cli.topology.picture import PALETTE, End, Line, Picture, Row

PLAIN = "#6e7781"
BESIDE = 3
"""So many networks have room on one side of the guests."""


def mermaid(picture: Picture) -> str:
    """The text of the chart."""
    lines = [
        "flowchart LR",
        f"  accTitle: {_plain(picture.title)}",
        f"  accDescr: {_plain(picture.summary)}",
        *_nodes(picture),
    ]
    links = list(_links(picture))
    lines += [f"  {link}" for link, _ in links]
    lines += [f"  linkStyle {place} stroke:{colour},stroke-width:2px" for place, (_, colour) in enumerate(links)]
    lines += [f"  style h{host} fill:none,stroke:{PLAIN}" for host in range(len(picture.boxes))]
    for kind, members in (("n", picture.networks), ("v", picture.vips)):
        lines += [
            f"  style {kind}{place} fill:{_colour(line)},stroke:{_colour(line)},color:#ffffff"
            for place, line in enumerate(members)
        ]
    return "\n".join(lines) + "\n"


def _nodes(picture: Picture) -> Iterator[str]:
    """Hosts as frames with their guests in them, networks, and virtual addresses."""
    for host, box in enumerate(picture.boxes):
        yield f"  subgraph h{host}[{_label(' · '.join((box.name, *box.notes)))}]"
        for place, row in enumerate(box.rows):
            yield f"    g{host}_{place}[{_label(row.label, row.detail, *_addresses(row, picture))}]"
        yield "  end"
    for place, line in enumerate(picture.networks):
        yield f"  n{place}({_label(line.name, *line.notes)})"
    for place, line in enumerate(picture.vips):
        yield f"  v{place}{{{{{_label(line.name, *line.notes)}}}}}"


def _links(picture: Picture) -> Iterator[tuple[str, str]]:
    """Each with its colour. Virtual addresses are on the left, so that no line to a network runs behind them."""
    for host, box in enumerate(picture.boxes):
        for end in box.ends:
            yield " --- ".join(_sides(f"h{host}", end, picture)), _colour(picture.networks[end.network])
        for vip, rank in box.ranks.items():
            yield f'v{vip} -. "{rank}" .- h{host}', _colour(picture.vips[vip])
        for place, row in enumerate(box.rows):
            guest = f"g{host}_{place}"
            for end in row.ends:
                yield " --- ".join(_sides(guest, end, picture)), _colour(picture.networks[end.network])
            for vip, rank in row.ranks.items():
                yield f'v{vip} -. "{rank}" .- {guest}', _colour(picture.vips[vip])


def _sides(holder: str, end: End, picture: Picture) -> tuple[str, str]:
    """What is left and what is right: of many networks, every other one is on the left of the guests."""
    network = f"n{end.network}"
    on_the_left = end.network % 2 == 1 and len(picture.networks) > BESIDE
    return (network, holder) if on_the_left else (holder, network)


def _addresses(row: Row, picture: Picture) -> Iterator[str]:
    """On the guest, since texts on many lines would hide each other."""
    for end in row.ends:
        if end.addresses:
            yield f"{picture.networks[end.network].name} {end.label(len(row.guests) == 1)}"


def _colour(line: Line) -> str:
    return PLAIN if line.colour is None else PALETTE[line.colour % len(PALETTE)]


def _label(*lines: str) -> str:
    """Text that may have any letters; those that mean something to Mermaid or to HTML are numbers."""
    return f'"{"<br/>".join(_coded(line) for line in lines)}"'


def _coded(text: str) -> str:
    plain = " ".join(text.split())
    return "".join(letter if letter.isalnum() or letter in " .,:/-_…·()" else f"#{ord(letter)};" for letter in plain)


def _plain(text: str) -> str:
    """For a title, which goes to the end of its line."""
    return "".join(letter if letter.isalnum() or letter in " .,-_" else " " for letter in text).strip()
