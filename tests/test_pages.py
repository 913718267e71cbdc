"""Every code block of README, guides and other pages is right: commands are there, programs and settings can be read.

A block that this can't know says so in the line before it: `<!-- not checked: the reason -->`.
"""

from __future__ import annotations

import ast
import functools
import importlib
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from cli import docs, reference_commands
from stacks import settings
from tests.engine import ROOT, Program
from toolchain.environment import pulumi_environment
from toolchain.stacks import stack_names

FOLDERS = ("docs", "examples", "template")
PAGES = sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(p for f in FOLDERS for p in (ROOT / f).rglob("*.md"))})
BLOCK = re.compile(r"^( *)(<!-- not checked: .+ -->\n *)?```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
FREE = ("", "text", "mermaid", "markdown")
SHELL = (
    "apt-get",
    "cd",
    "createdb",
    "createuser",
    "curl",
    "export",
    "git",
    "mkdir",
    "pip",
    "psql",
    "rm",
    "systemctl",
    "uv",
)
ON_A_NODE = ("pveum", "pvenode", "pvesh", "pvecm")
"""Commands of a real Proxmox VE."""
PLACEHOLDERS = ("name", "mine")
"""What stands for a stack of the reader's own; so does a word as in `<your stack>`."""


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    kind: str
    text: str


def blocks(page: Path) -> list[Block]:
    """The code blocks of a page that are checked, without the indentation of a list."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [Block(kind, re.sub(f"^{space}", "", text, flags=re.MULTILINE)) for space, no, kind, text in found if not no]


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a block as words; where lines begin with a prompt, only these."""
    lines = re.sub(r"<[a-z ]+>", PLACEHOLDERS[0], text.replace("\\\n", " ")).splitlines()
    prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    open_lines: list[str] = []
    for line in prompted or lines:
        open_lines.append(line)
        try:
            words = shlex.split("\n".join(open_lines), comments=True)
        except ValueError:
            continue  # a quotation goes on in the next line
        open_lines = []
        if words:
            yield words
    assert not open_lines, f"a quotation has no end: {open_lines}"


def problem_of_command(words: list[str]) -> str | None:
    """Why nobody could run it."""
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    if words[:1] == ["sudo"]:
        return problem_of_command(words[3:] if words[1] == "-u" else words[1:])
    program, *rest = words or ["export"]
    if program == "make":
        return problem_of_make(rest)
    if program.endswith(reference_commands.PROGRAM):
        return problem_of_ours(rest)
    if program == "pulumi":
        return None if rest[0] in of_pulumi() else f"pulumi has no command {rest[0]}"
    return None if program in (*SHELL, *ON_A_NODE) else f"{program} is no known command"


def problem_of_make(words: list[str]) -> str | None:
    """Each target is in the Makefile, and each stack has a page."""
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    for word in words:
        name, is_variable, value = word.partition("=")
        if is_variable and value not in (*stack_names(ROOT), *PLACEHOLDERS):
            return f"there is no stack {value}"
        if not is_variable and name not in targets:
            return f"make has no target {name}"
    return None


def problem_of_ours(words: list[str]) -> str | None:
    """Its words, arguments and options are there; it is not run."""
    if words and words[0] in (option for each in reference_commands.whole().params for option in each.opts):
        return None
    for path, command in reference_commands.commands():
        if tuple(words[: len(path)]) == path:
            try:
                command.make_context(" ".join(path), words[len(path) :]).close()
            except Exception as error:  # noqa: BLE001 - click's own errors are told with the page
                return f"{' '.join(words)}: {getattr(error, 'message', error)}"
            return None
    return f"proxmox-labs has no command {' '.join(words)}"


@functools.cache
def of_pulumi() -> set[str]:
    """The commands that Pulumi says it has."""
    environment = pulumi_environment(ROOT)
    program = shutil.which("pulumi", path=environment["PATH"]) or "pulumi"
    told = subprocess.run([program, "--help"], env=environment, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^ +([a-z][a-z-]+) {2,}", told, flags=re.MULTILINE))


def problems(block: Block) -> list[str]:
    """What is wrong with a block."""
    if block.kind in ("console", "sh"):
        return [problem for words in commands(block.text) if (problem := problem_of_command(words))]
    if block.kind == "python":
        return missing_names(ast.parse(block.text))
    if block.kind == "yaml":
        return problems_of_settings(yaml.safe_load(block.text))
    if block.kind == "json":
        json.loads(block.text)
        return []
    return [] if block.kind in FREE else [f"nobody knows what to do with a block of {block.kind}"]


def missing_names(program: ast.Module) -> list[str]:
    """What a program imports and nobody has."""
    missing: list[str] = []
    for node in ast.walk(program):
        if isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module != "__future__":
            module = importlib.import_module(node.module)
            missing += [f"{node.module}.{a.name} is missing" for a in node.names if not hasattr(module, a.name)]
    return missing


def problems_of_settings(page: object) -> list[str]:
    """A stack's page is read as the program reads it; other YAML only has to be some."""
    config = page.get("config") if isinstance(page, dict) else None
    lab = config.get("proxmox:lab") if isinstance(config, dict) else None
    if not isinstance(lab, dict):
        return []
    try:
        settings.parse(lab, "the page")
    except settings.SettingsError as error:
        return [str(error)]
    return []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_code_block_of_a_page_is_right(page: Path) -> None:
    assert [problem for block in blocks(page) for problem in problems(block)] == []


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("console", "$ make nothing\nwhat it prints", "make has no target nothing"),
        ("console", "make up STACK=none", "there is no stack none"),
        ("console", "STACK=demo make up", None),
        ("console", "proxmox-labs up --fast", "No such option: --fast"),
        ("console", "proxmox-labs --install-completion", None),
        ("console", "proxmox-labs jump", "proxmox-labs has no command jump"),
        ("console", "pulumi jump", "pulumi has no command jump"),
        ("console", "pulumi config set --secret key '{\n  \"a\": 1}'", None),
        ("sh", "sudo fly away  # all of us", "fly is no known command"),
        ("python", "from providers.vm import Castle", "providers.vm.Castle is missing"),
        ("yaml", "config: {proxmox:lab: {kind: castle}}", "'castle' is no kind of lab"),
        ("haskell", "main = pure ()", "nobody knows what to do with a block of haskell"),
    ],
)
def test_a_wrong_block_is_found(kind: str, text: str, told: str | None) -> None:
    found = problems(Block(kind, text))

    assert (told in found[0]) if told else (found == []), found


def test_a_block_can_say_that_it_is_not_checked(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- not checked: it is of another project -->\n```sh\nfly\n```\n\n1. So:\n\n   ```sh\n   make up\n   ```\n"
    )

    assert blocks(page) == [Block("sh", "make up\n")]


def test_what_is_generated_is_up_to_date() -> None:
    stale = [str(file.relative_to(ROOT)) for file, text in docs.generated().items() if file.read_text() != text]

    assert stale == [], "run `make docs`"


def test_the_site_can_be_built_of_the_pages_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    built = subprocess.run(
        [ROOT / ".venv" / "bin" / "mkdocs", "build", "--quiet", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert built.returncode == 0, built.stderr
    pages = {str(page.relative_to(tmp_path / "site")): page.read_text() for page in (tmp_path / "site").rglob("*.html")}
    assert {"quick-start.html", "labs/ha-services.html", "guides/disaster.html", "resources/vm.html"} < pages.keys()
    assert [name for name, text in pages.items() if "```" in text] == [], "what is code is shown as code"
    assert [name for name, text in pages.items() if re.search(r'(src|<link[^>]* href)="https?:', text)] == []


@pytest.mark.engine
def test_the_resources_and_components_of_the_guide_to_ones_own_program_run(program: Program) -> None:
    resource, component, _consumer = (b.text for b in blocks(ROOT / "docs/guides/own-program.md") if b.kind == "python")
    (program.folder / "__main__.py").write_text(resource + component)

    up = program.up()

    assert up.changes == {"create": 4}, up.text
