"""Somebody who does what a page says, from top to bottom, in a checkout and with a home of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulator import daemon
from tests.engine import ROOT
from tests.pages.page import FREE, PRINTED, SHELL, Block, blocks, commands
from tests.simulator.test_ssh import Remote, connected

LIMIT = 280
CHECKOUT = "proxmox-labs"
OF_THIS_RUN = ("PULUMI_", "PROXMOX_", "VIRTUAL_ENV", "MAKE", "MFLAGS", "PG")
"""Variables of whoever runs the tests, and not of a reader's shell."""
UNASKED = {"PULUMI_SKIP_CONFIRMATIONS": "true"}
"""What answers the questions that Pulumi asks a person at a terminal."""
ON_A_NODE = re.compile(r"(pveum|pvenode|pvesh|pvecm)\b")
"""Commands of Proxmox VE itself, which are given on a node."""
PROJECT = "name: program\nruntime: python\nconfig: {proxmox:simulator: {value: standalone}}\n"
"""Of a program that a page shows without saying where it is."""
ELSE = "…"
"""Stands on a page for what is left out there."""
_OF_THE_MOMENT = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"Duration: \d+s"), "Duration: 1s"),
    (re.compile(r"\(pid \d+\)"), "(pid 1)"),
    (re.compile(r" +$", re.MULTILINE), ""),
)
_ERROR = re.compile(r"^ *error: ", re.MULTILINE)
_CHANGE = re.compile(r"[Ww]rite `([^`]+)`\s+instead\s+of\s+`([^`]+)`")


@dataclass
class Reader:
    """A reader with a shell, which goes on from page to page."""

    place: Path
    """Where the checkout is, and what they make beside it."""
    node: daemon.Running | None = None
    """The hosts that commands of Proxmox VE itself are given on, at its node pve1."""
    values: dict[str, str] = field(default_factory=dict)
    """What they put in for what a page can't know."""
    learns: Mapping[re.Pattern[str], tuple[str, str]] = field(default_factory=dict)
    """What they find in what is printed -> what stands for it on pages, and what they put there, as a format."""
    codes: Mapping[str, int] = field(default_factory=dict)
    """Command -> how it ends, where that is not well and the page says so."""
    typed: str = ""
    """What they type where they are asked for something."""
    printed: str = ""
    """By the last command."""
    stack_page: Path | None = None
    """The page of a stack that was spoken of last."""

    def __post_init__(self) -> None:
        """Open the shell in the checkout."""
        self.home = self.place / "home"
        self.home.mkdir(exist_ok=True)
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        settings = {name: value for name, value in os.environ.items() if not name.startswith(OF_THIS_RUN)}
        self.environment = {**settings, **UNASKED, "HOME": str(self.home), "XDG_CACHE_HOME": cache}
        self.shell = self.home / ".shell"
        self.shell.write_text(f"cd {self.checkout}\n")

    @property
    def checkout(self) -> Path:
        """Their clone of the repository."""
        return self.place / CHECKOUT

    @property
    def folder(self) -> Path:
        """Where their shell is."""
        return Path(self.run("pwd").strip())

    def read(
        self, page: str, happens: Mapping[str, Callable[[], None]] | None = None, folder: Path | None = None
    ) -> None:
        """Do all that a page says, in the checkout as cloned or in another folder.

        What is up and what is in the shell is as the page before has left it. What `happens` under a heading is done
        before the first block after it.
        """
        git(self.checkout, "checkout", "-q", ".")
        git(self.checkout, "clean", "-fdq")
        self.run(f"cd {folder or self.checkout}")
        meanwhile = dict(happens or {})
        for block in blocks(self.checkout / page):
            for heading in block.headings:
                meanwhile.pop(heading, lambda: None)()
            self.change(block.before)
            if block.why_not is None:
                self.do(block)
        assert not meanwhile, f"{page} has not these headings with a block of their own: {list(meanwhile)}"

    def do(self, block: Block) -> None:
        """What one block is for."""
        if block.kind in SHELL:
            for command in commands(block.text):
                self.printed = self.run(command.text, fails=_ERROR.search(command.printed) is not None)
                self.learn()
                if command.printed:
                    assert shows(self.printed, command.printed), f"{command.text}:\n{self.printed}"
        elif block.kind in PRINTED:
            assert shows(self.printed, block.text), self.printed
        elif block.file:
            file = self.folder / self.filled(block.file)
            file.write_text(self.filled(block.content))
        elif block.kind == "python":
            self.run_program(block.text)
        else:
            assert block.kind in FREE, f"nobody knows what to do with this block of {block.kind}: {block.text}"

    def learn(self) -> None:
        """Keep what was printed and is to be put in later."""
        for pattern, (stands, value) in self.learns.items():
            if found := pattern.search(self.printed):
                self.values[stands] = value.format(found[1])

    def change(self, said: str) -> None:
        """Write what the text says is to be written in the page of a stack."""
        for found in re.finditer(rf"`(stacks/Pulumi\.[\w-]+\.yaml)`|{_CHANGE.pattern}", said):
            if found[1]:
                self.stack_page = self.checkout / found[1]
            else:
                assert self.stack_page is not None, f"in which page? {found[0]}"
                text = self.stack_page.read_text()
                assert found[3] in text, f"{self.stack_page} has no {found[3]}"
                self.stack_page.write_text(text.replace(found[3], found[2]))

    def run(self, command: str, *, fails: bool = False) -> str:
        """What a command prints; its variables and folder are those of the next one too."""
        command = self.filled(command)
        if ON_A_NODE.match(command):
            return self.run_on_node(command)
        script = f". {self.shell}\n{command}\ncode=$?\n(declare -px; echo \"cd '$PWD'\") >{self.shell}\nexit $code\n"
        done = subprocess.run(
            ["bash", "-c", script],
            env=self.environment,
            input=self.typed,
            start_new_session=True,  # no terminal to ask at
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        well = done.returncode == self.codes.get(command, 0)
        assert well is not fails, f"$ {command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def run_on_node(self, command: str) -> str:
        """The same on a node of the hosts, as root."""
        assert self.node is not None, f"there are no hosts to run it on: {command}"
        with connected(self.node, "pve1") as client:
            return Remote(client).ok(command)

    def run_program(self, text: str) -> None:
        """Bring up a program of their own, in the folder where the shell is unless that is the checkout."""
        folder = self.folder
        if folder == self.checkout:
            folder = self.place / "program"
            if not folder.exists():
                folder.mkdir()
                (folder / "Pulumi.yaml").write_text(PROJECT)
                self.run(f". toolchain/activate; cd {folder}; pulumi stack init dev; cd {self.checkout}")
        (folder / "__main__.py").write_text(self.filled(text))
        self.printed = self.run(f"pulumi up --skip-preview --cwd {folder}")

    def filled(self, text: str) -> str:
        """A text with this reader's values in it."""
        for stands, value in self.values.items():
            text = text.replace(stands, value)
        return text


def shows(printed: str, page: str) -> bool:
    """Whether a page shows what was printed, but for what is of the moment; `…` stands for what it leaves out."""
    for pattern, always in _OF_THE_MOMENT:
        printed, page = pattern.sub(always, printed), pattern.sub(always, page)
    lines = ["(?:.*\n)*?" if line.strip() == ELSE else _line(line) for line in page.strip("\n").splitlines()]
    return re.search("^" + "".join(lines), f"{printed}\n", re.MULTILINE) is not None


def _line(line: str) -> str:
    return ".*".join(map(re.escape, line.split(ELSE))) + "\n"


def clone(place: Path) -> Path:
    """A copy of what is in the repository, as `git clone` makes it; as old too, since simulators go by that."""
    root = place / CHECKOUT
    for name in filter(None, git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").split("\n")):
        if (ROOT / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-qm", "Start")
    return root


def git(folder: Path, *arguments: str) -> str:
    """Run git."""
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout
