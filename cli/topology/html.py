"""A lab on one page for a browser: its picture, a table of its guests, and a field to search both.

The page is one file that loads nothing and sends nothing, which its own policy forbids. What the search does not find
is dimmed in the picture and hidden in the table; `#web` behind its address is a search as well. Without scripts, all
of it is there.
"""

from __future__ import annotations

from collections.abc import Iterator

from cli.topology.picture import TYPES, natural, picture_of
from cli.topology.svg import escaped, svg
from lab_outputs import Guest, Lab

HEADINGS = ("Guest", "Type", "VMID", "Host", "Networks and addresses", "Groups")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
STYLE = """\
:root { color-scheme: light dark; font: 15px system-ui, sans-serif; }
body { margin: 1.5rem auto; max-width: 100rem; padding: 0 1rem; }
input { font: inherit; padding: .4rem .6rem; width: min(28rem, 100%); }
figure { margin: 1rem 0; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8886; padding: .3rem .6rem; text-align: left; vertical-align: top; }
svg g.missed { opacity: .15; }
"""
SCRIPT = """\
const field = document.querySelector("input");
const parts = [...document.querySelectorAll("svg g")].filter((part) => part.querySelector(":scope > title"));
const rows = [...document.querySelectorAll("tbody tr")];
function search() {
  const words = field.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const found = (part) => words.every((word) => part.textContent.toLowerCase().includes(word));
  for (const row of rows) row.hidden = !found(row);
  const names = rows.filter((row) => !row.hidden).map(({ cells: [name, type, vmid] }) =>
    `${name.textContent} (${type.textContent} ${vmid.textContent})`);
  const named = (part) => names.some((name) => part.textContent.includes(name));
  for (const part of parts) part.classList.toggle("missed", !found(part) && !named(part));
  document.querySelector("output").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} guests`;
}
field.value = decodeURIComponent(location.hash.slice(1));
field.addEventListener("input", search);
search();
"""


def page(lab: Lab, title: str) -> str:
    """The text of the file."""
    head = "".join(f"<th>{heading}</th>" for heading in HEADINGS)
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escaped(title)}</title>",
        f"<style>\n{STYLE}</style>",
        f"<h1>{escaped(title)}</h1>",
        '<p><label>Search <input type="search" placeholder="name, address, VMID, group" autofocus></label>'
        " <output></output></p>",
        f"<figure>\n{svg(picture_of(lab, title))}</figure>",
        f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>",
        *(_row(lab.guests[name], name) for name in sorted(lab.guests, key=natural)),
        "</tbody>\n</table>",
        f"<script>\n{SCRIPT}</script>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _row(guest: Guest, name: str) -> str:
    cells = (name, TYPES[guest.type], str(guest.vmid), guest.host, ", ".join(_nics(guest)), ", ".join(guest.groups))
    return f"<tr>{''.join(f'<td>{escaped(cell)}</td>' for cell in cells)}</tr>"


def _nics(guest: Guest) -> Iterator[str]:
    for slot, nic in sorted(guest.nics.items()):
        yield " ".join(filter(None, (nic.network or slot, nic.address)))
