"""A page that can't be read is told by its line, before anything is asked, also in the comment on its change."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.page import problem_with

PAGE = """config:
  proxmox:lab:
    web: &web
      count: 2
    more: {<<: *web, count: 3}
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: proxmox\n")
    file = tmp_path / "stacks" / "Pulumi.demo.yaml"
    file.write_text(PAGE)
    return file


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("      count: 2", "\tcount: 2", "line 4: YAML is indented with spaces, and here is a tab"),
        ("count: 2", "count: 2\n      count: 4", "line 5: the key count stands there already; take one of them out"),
        ("count: 3}", "count: 3", "line 6: it is no YAML: expected ',' or '}', but got '<stream end>'"),
    ],
)
def test_what_is_wrong_with_yaml_is_told_by_its_line(
    page: Path, tmp_path: Path, before: str, after: str, told: str
) -> None:
    page.write_text(PAGE.replace(before, after))

    assert problem_with(tmp_path, "demo") == f"stacks/Pulumi.demo.yaml, {told}"


def test_a_page_that_can_be_read_is_not_spoken_of(page: Path, tmp_path: Path) -> None:
    assert problem_with(tmp_path, "demo") is None
    page.write_text("")
    assert problem_with(tmp_path, "demo") is None
    assert problem_with(tmp_path, "other") is None


def test_the_comment_says_that_the_page_can_not_be_read(page: Path, tmp_path: Path) -> None:
    page.write_text(PAGE.replace("      count: 2", "\tcount: 2"))

    done = CliRunner().invoke(app, ["report", "--directory", str(tmp_path)])

    assert done.exit_code == 1
    assert "> - stacks/Pulumi.demo.yaml, line 4: YAML is indented" in done.stdout
