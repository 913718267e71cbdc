"""README, guides and other pages: every block is run by a walk in `tests/pages` or says why not; and the site."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from cli import docs, reference_commands
from tests.engine import ROOT
from tests.pages.page import FREE, PAGES, SHELL, Block, blocks, commands
from toolchain.stacks import stack_names

WALKS = ROOT / "tests" / "pages"


def test_every_block_of_code_is_run_by_a_walk_or_says_why_not() -> None:
    walked = {page for file in WALKS.glob("test_*.py") for page in re.findall(r'\.read\("(.+?)"', file.read_text())}
    with_code = {
        str(page.relative_to(ROOT))
        for page in PAGES
        if any(block.kind not in FREE and block.why_not is None for block in blocks(page))
    }

    assert with_code - walked == set(), "a test in tests/pages has to read them"
    assert len(with_code) > 15


def test_what_is_not_run_is_at_least_there() -> None:
    left_alone = [block for page in PAGES for block in blocks(page) if block.why_not is not None]

    assert [problem for block in left_alone for problem in problems(block)] == []
    assert 0 < len(left_alone) < 10, "they are to stay few"


def problems(block: Block) -> list[str]:
    """What nobody could do of a block of commands."""
    assert block.kind in SHELL, f"only commands can be left alone: {block.text}"
    words = [command.text.split() for command in commands(block.text)]
    return [problem for command in words if (problem := problem_of(command))]


def problem_of(command: list[str]) -> str | None:
    """Why nobody could do it; commands of others are taken to be right."""
    program, *rest = command
    if program == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
        known = {*targets, *(f"STACK={name}" for name in stack_names(ROOT))}
        return next((f"make has no {word}" for word in rest if word not in known), None)
    return problem_of_ours(rest) if program.endswith(reference_commands.PROGRAM) else None


def problem_of_ours(words: list[str]) -> str | None:
    """Its words, arguments and options are there."""
    for path, command in reference_commands.commands():
        if tuple(words[: len(path)]) == path:
            try:
                command.make_context(" ".join(path), words[len(path) :]).close()
            except Exception as error:  # noqa: BLE001 - click's own errors are told with the page
                return f"{' '.join(words)}: {getattr(error, 'message', error)}"
            return None
    return f"proxmox-labs has no command {' '.join(words)}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("make nothing", "make has no nothing"),
        ("make up STACK=none", "make has no STACK=none"),
        ("make up STACK=demo", None),
        ("proxmox-labs up --fast", "No such option: --fast"),
        ("proxmox-labs jump", "proxmox-labs has no command jump"),
        ("apt-get install postgresql", None),
    ],
)
def test_what_is_not_there_is_found(text: str, told: str | None) -> None:
    found = problems(Block("console", text))

    assert (told in found[0]) if told else (found == []), found


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
