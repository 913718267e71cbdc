"""Pictures of labs: all that there is is in them once, and a reader can tell everything apart."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given

from cli.topology.address import short
from cli.topology.command import LABS, pages
from cli.topology.html import page
from cli.topology.layout import LETTER, NAME, NOTE, TITLE
from cli.topology.mermaid import mermaid
from cli.topology.picture import ELSEWHERE, PALETTE, ROWS, natural, picture_of
from cli.topology.svg import BRIGHT_PAGE, DARK_PAGE, FAINT, FAINT_IN_THE_DARK, IN_THE_DARK, svg
from lab_outputs import Host, Lab, Network, Vip
from tests.cli.labs import lab_of, labs, turned

SVG = "{http://www.w3.org/2000/svg}"
SMALL = lab_of(
    {"web-2": ("pve2", "10.7.0.12"), "web-10": ("pve1", None), "web-1": ("pve1", "10.7.0.11")},
    {"front": Vip(address="10.7.0.5", network="lan", members=("web-2", "web-1", "pve3", "another"))},
)


@given(labs())
def test_every_guest_host_network_and_virtual_address_is_in_the_picture_once(lab: Lab) -> None:
    picture = picture_of(lab, "lab")

    hosts = {*lab.hosts, *(guest.host for guest in lab.guests.values())}
    assert sorted(name for box in picture.boxes for row in box.rows for name in row.guests) == sorted(lab.guests)
    assert sorted(box.name for box in picture.boxes) == sorted(hosts)
    assert sorted(line.name for line in picture.networks if line.colour is not None) == sorted(lab.networks)
    assert sorted(line.name for line in picture.vips) == sorted(lab.vips)
    for box in picture.boxes:
        assert {guest.host for row in box.rows for guest in row.guests.values()} <= {box.name}


@given(labs())
def test_every_card_of_a_guest_ends_in_its_network(lab: Lab) -> None:
    picture = picture_of(lab, "lab")

    for row in (row for box in picture.boxes for row in box.rows):
        nics = [nic for guest in row.guests.values() for nic in guest.nics.values()]
        ends = {picture.networks[end.network].name for end in row.ends}
        assert ends == {nic.network if nic.network in lab.networks else ELSEWHERE for nic in nics}
        assert sum(len(end.addresses) for end in row.ends) == sum(nic.address is not None for nic in nics)


@given(labs())
def test_a_drawing_is_the_same_whatever_the_order_and_no_two_texts_meet_in_it(lab: Lab) -> None:
    text = svg(picture_of(lab, "lab"))
    drawing = parsed(text)

    assert svg(picture_of(turned(lab), "lab")) == text
    ids = [element.get("id") for element in drawing.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    told = " ".join("".join(title.itertext()) for title in drawing.iter(f"{SVG}title"))
    assert all(name in told for name in (*lab.guests, *lab.networks, *lab.vips))
    width, height = float(drawing.get("width", 0)), float(drawing.get("height", 0))
    places = list(text_places(drawing))
    for left, top, right, bottom in places:
        assert 0 < left <= right < width
        assert 0 < top < bottom < height
    for one, other in itertools.combinations(places, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def parsed(text: str) -> ElementTree.Element:
    """A drawing as a viewer reads it."""
    return ElementTree.fromstring(text)  # noqa: S314 - our own text


def text_places(drawing: ElementTree.Element) -> Iterator[tuple[float, float, float, float]]:
    """The box around each text: left, top, right, bottom."""
    for element in drawing.iter(f"{SVG}text"):
        kinds = (element.get("class") or "").split()
        size = {"title": TITLE, "name": NAME}.get(kinds[0], NOTE)
        text = "".join(element.itertext())
        wide = (len(text) + text.count("漢")) * size * LETTER
        x, y = float(element.get("x", 0)), float(element.get("y", 0))
        left = x - wide if "last" in kinds else x
        yield left, y - size * 0.75, left + wide, y + size * 0.2


@given(labs())
def test_a_chart_has_each_node_once_and_links_only_what_it_has(lab: Lab) -> None:
    text = mermaid(picture_of(lab, "lab"))

    assert mermaid(picture_of(turned(lab), "lab")) == text
    nodes = re.findall(r"^ +(?:subgraph )?([hgnv][0-9_]+)[\[({]", text, re.MULTILINE)
    links = re.findall(r'^  ([hgnv][0-9_]+) (?:---|-\. "\d+" \.-) ([hgnv][0-9_]+)$', text, re.MULTILINE)
    assert len(nodes) == len(set(nodes))
    assert {end for link in links for end in link} <= set(nodes)
    assert [int(place) for place in re.findall(r"linkStyle (\d+)", text)] == list(range(len(links)))
    plain = r"(?:[\w .,:/_…·()-]|#\d+;|<br/>)*"
    node = rf'(?:    |  )(?:subgraph )?[hgnv][0-9_]+(?:\["{plain}"\]|\("{plain}"\)|\{{\{{"{plain}"\}}\}})'
    other = r"flowchart LR|  acc(?:Title|Descr): [\w ,]*|  end|  (?:linkStyle|style) [\w:#, -]+"
    link = r'  [hgnv][0-9_]+ (?:---|-\. "\d+" \.-) [hgnv][0-9_]+'
    assert [line for line in text.splitlines() if not re.fullmatch(f"{node}|{other}|{link}", line)] == []


def test_a_picture_says_where_everything_is() -> None:
    picture = picture_of(SMALL, "lab")

    assert picture.summary == "3 hosts, 3 guests, 1 network, 1 virtual address"
    assert [[row.label for row in box.rows] for box in picture.boxes] == [["web-1", "web-10"], ["web-2"], []]
    assert picture.networks[0].notes == ("vmbr0 · VLAN 7", "10.7.0.0/16", "gateway .0.1")
    assert picture.boxes[0].rows[0].ends[0].addresses == (".0.11",)
    assert picture.vips[0].notes == ("10.7.0.5", "in lan", "also another")
    assert (picture.boxes[1].rows[0].ranks, picture.boxes[0].rows[0].ranks, picture.boxes[2].ranks) == (
        {0: 1},
        {0: 2},
        {0: 3},
    )


def test_who_can_have_a_virtual_address_is_marked_once_even_where_a_guest_is_called_as_a_host() -> None:
    lab = lab_of({"pve1": ("pve1", None)}, {"front": Vip(address="10.7.0.5", members=("pve1",))})

    (box, *_) = picture_of(lab, "lab").boxes

    assert (box.ranks, box.rows[0].ranks) == ({}, {0: 1})


def test_a_host_is_in_the_networks_that_its_address_is_in() -> None:
    hosts = {"pve1": Host(node="pve1", address="10.7.0.31"), "pve2": Host(node="pve2", address="10.8.0.32")}

    picture = picture_of(lab_of({}).model_copy(update={"hosts": hosts}), "lab")

    assert [[(end.network, end.addresses) for end in box.ends] for box in picture.boxes] == [[(0, (".0.31",))], []]
    assert "h0 --- n0" in mermaid(picture)
    drawing = parsed(svg(picture))
    assert ".0.31" in ["".join(text.itertext()) for text in drawing.iter(f"{SVG}text")]


def test_what_a_network_is_for_is_said_in_as_many_lines_as_it_takes_and_not_twice() -> None:
    roles = ("lan", "management", "ceph-public", "ceph-cluster")
    network = Network(bridge="vmbr0", roles=roles)

    (line,) = picture_of(Lab(kind="any", networks={"lan": network}), "lab").networks

    assert line.notes == ("management, ceph-public,", "ceph-cluster", "vmbr0")


def test_guests_that_are_alike_share_a_row_where_there_are_many() -> None:
    students = {f"student-{number}": (f"pve{number % 3 + 1}", f"10.7.1.{number}") for number in range(1, 101)}
    lab = lab_of(students, {"front": Vip(address="10.7.0.5", network="lan", members=("student-3",))})

    picture = picture_of(lab, "lab")

    rows = [(row.label, row.detail, row.ends[0].label(len(row.guests) == 1)) for row in picture.boxes[0].rows]
    assert rows == [("student-3", "VM 102", ".1.3"), ("student-6 … student-99", "32 VMs", ".1.6-.1.99")]
    assert "student-50" in svg(picture)


def test_a_hundred_guests_of_which_no_two_are_called_alike_are_few_rows_too() -> None:
    names = {f"{letter}{other}": ("pve1", None) for letter in "abcdefghij" for other in "abcdefghij"}

    (row,) = picture_of(lab_of(names), "lab").boxes[0].rows

    assert len(names) > ROWS
    assert (row.label, row.detail) == ("aa … jj", "100 VMs")


def test_words_that_mean_something_to_a_viewer_mean_nothing_in_a_drawing() -> None:
    lab = lab_of({'<script>"&\x00\x1b': ("pve1", None)})

    drawing = parsed(svg(picture_of(lab, "</title><script>")))

    assert not list(drawing.iter(f"{SVG}script"))
    assert '<script>"&  ' in ["".join(element.itertext()) for element in drawing.iter(f"{SVG}text")]


def test_a_drawing_needs_nothing_from_elsewhere() -> None:
    text = svg(picture_of(SMALL, "lab"))

    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert "url(" not in text
    assert "@import" not in text


def test_networks_are_in_the_order_of_their_vlans() -> None:
    vlans = {"storage": 8, "boot": 6, "outside": None, "tunnel": 10}
    networks = {name: Network(bridge="vmbr0", vlan=vlan) for name, vlan in vlans.items()}

    picture = picture_of(Lab(kind="any", networks=networks), "lab")

    assert [line.name for line in picture.networks] == ["outside", "boot", "storage", "tunnel"]


def test_names_with_numbers_are_in_the_order_of_these() -> None:
    names = ["web-10", "web-9", "web", "09", "9", "a1b2", "a1b10"]

    assert sorted(names, key=natural) == ["09", "9", "a1b2", "a1b10", "web", "web-9", "web-10"]


def test_the_pictures_of_the_shipped_labs_are_up_to_date() -> None:
    kept = {file.name: file.read_text() for file in LABS.glob("*") if file.suffix in (".svg", ".mmd")}

    assert kept == pages(), "run `make docs`"


@pytest.mark.parametrize(
    ("address", "cidr", "expected"),
    [
        ("10.7.0.11", "10.7.0.0/24", ".11"),
        ("10.7.0.11", "10.7.0.0/25", ".11"),
        ("10.7.0.11", "10.0.0.0/8", ".7.0.11"),
        ("10.7.0.11", "0.0.0.0/0", "10.7.0.11"),
        ("10.7.0.11", "10.7.0.11/32", ".11"),
        ("fd00:7::11", "fd00:7::/64", "::11"),
        ("10.8.0.11", "10.7.0.0/24", "10.8.0.11"),
        ("10.7.0.11", None, "10.7.0.11"),
        ("gw.example.org", "10.7.0.0/24", "gw.example.org"),
    ],
)
def test_an_address_is_as_short_as_its_network_allows(address: str, cidr: str | None, expected: str) -> None:
    assert short(address, cidr) == expected


@pytest.mark.parametrize(
    ("page", "faint", "palette"), [(BRIGHT_PAGE, FAINT, PALETTE), (DARK_PAGE, FAINT_IN_THE_DARK, IN_THE_DARK)]
)
def test_every_text_stands_out_from_what_is_behind_it(
    page: dict[str, str], faint: str, palette: tuple[str, ...]
) -> None:
    for behind in ("page", "box", "card"):
        for colour in (page["ink"], faint, *palette):
            bright, dark = sorted((luminance(colour), luminance(page[behind])), reverse=True)
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, f"{colour} on {behind}"


def luminance(colour: str) -> float:
    """How bright a colour is, as accessibility guidelines reckon it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


class Cells(HTMLParser):
    """The texts of a page's table, and what the page would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.loads: list[str] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [str(value) for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        if tag == "tr":
            self.rows.append([])
        elif tag == "td":
            self.rows[-1].append("")
        self.inside = tag == "td"

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


@given(labs())
def test_a_page_has_every_guest_in_its_table_and_the_drawing_and_loads_nothing(lab: Lab) -> None:
    text = page(lab, "lab")
    read = Cells(text)

    guests = [row for row in read.rows if row]
    assert sorted(row[2] for row in guests) == sorted(str(guest.vmid) for guest in lab.guests.values())
    assert sorted(row[0] for row in guests) == sorted(lab.guests)
    assert svg(picture_of(lab, "lab")) in text
    assert read.loads == []
    assert text.count("<script>") == 1


def test_a_page_can_be_searched_by_all_that_its_table_tells() -> None:
    text = page(SMALL, "<lab>")
    row = next(row for row in Cells(text).rows if row and row[0] == "web-1")

    assert row[1:5] == ["VM", "102", "pve1", "lan 10.7.0.11"]
    assert "<title>&lt;lab&gt;</title>" in text
    assert "default-src 'none'" in text
    assert 'type="search"' in text


def test_a_browser_finds_guests_by_words_of_its_row_in_the_table_and_in_the_picture(tmp_path: Path) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed")
    guests = {name: guest.model_copy(update={"groups": (f"group-{name}",)}) for name, guest in SMALL.guests.items()}
    (tmp_path / "lab.html").write_text(page(SMALL.model_copy(update={"guests": guests}), "lab"))
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom"]
    command += [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-dev-shm-usage",
        f"--user-data-dir={tmp_path / 'own'}",
    ]

    done = subprocess.run(
        [*command, f"file://{tmp_path}/lab.html#GROUP-web-2%20pve2"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    assert "<output>1 of 3 guests</output>" in done.stdout
    assert re.findall(r"<tr><td>([^<]*)", done.stdout) == ["web-2"]
    cards = re.findall(r'<g( class="missed")?><title>([^:<]*) [(]VM', done.stdout)
    assert [name for missed, name in cards if not missed] == ["web-2"]
    assert {name for _, name in cards} == set(guests)
