"""How a page is read: what is a block, what it stands for, and that a page which is wrong is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pages.page import Block, Command, blocks, commands
from tests.pages.reader import CHECKOUT, Reader, shows

PAGE = """# A page
<!-- not run: it is of another project -->
```sh
fly
```

## A list
1. So, in `stacks/Policies.demo.json`:

   ```json
   {}
   ```

<!-- labs: written by `proxmox-labs docs` -->
```console
what others test
```
<!-- end of labs -->
"""


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """A reader whose checkout is empty."""
    (tmp_path / CHECKOUT / "stacks").mkdir(parents=True)
    return Reader(tmp_path)


def test_a_page_has_blocks_with_what_is_said_before_them(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE)

    left_alone, written = blocks(tmp_path / "page.md")

    assert (left_alone.text, left_alone.why_not) == ("fly\n", "it is of another project")
    assert (written.text, written.why_not, written.headings) == ("{}\n", None, ["A list"])
    assert written.file == "stacks/Policies.demo.json"


def test_commands_go_on_over_lines_and_are_followed_by_what_they_print() -> None:
    assert commands("one  # first\n# nothing\ntwo '{\n a}'\nthree \\\n  four\n") == [
        Command("one  # first"),
        Command("two '{\n a}'"),
        Command("three \\\n  four"),
    ]
    assert commands("$ one\nprinted\n  more\n$ two\n") == [Command("one", "printed\n  more"), Command("two")]


@pytest.mark.parametrize(
    ("page", "same"),
    [
        ("first\nsecond", True),
        ("second\nthird at 127.0.0.1:8006", True),
        ("first\n…\nthird at …", True),
        ("first\nthird at …", False),
        ("fir\nsecond", False),
        ("third", False),
    ],
)
def test_a_page_shows_whole_lines_that_follow_each_other_but_for_what_is_of_the_moment(page: str, same: bool) -> None:
    assert shows("first\nsecond  \nthird at 127.0.0.1:40123\n", page) is same


def test_a_folder_and_variables_are_kept_from_command_to_command(reader: Reader) -> None:
    reader.do(Block("console", 'mkdir new\ncd new\nexport WHO="you and me"\n'))
    reader.do(Block("console", "$ echo $WHO in $PWD\nyou and me in …/new\n"))
    reader.do(Block("text", "you and …\n"))


@pytest.mark.parametrize(
    "block",
    [
        Block("console", "false\n"),
        Block("console", "$ echo one\ntwo\n"),
        Block("console", "$ true\nerror: it ends well, and the page says otherwise\n"),
        Block("text", "nobody has said it\n"),
        Block("haskell", "main = pure ()\n"),
        Block("console", "pveum user list\n"),
    ],
)
def test_what_does_not_go_as_the_page_says_is_found(reader: Reader, block: Block) -> None:
    with pytest.raises(AssertionError):
        reader.do(block)


def test_what_is_to_be_written_is_written(reader: Reader) -> None:
    page = reader.checkout / "stacks" / "Pulumi.demo.yaml"
    page.write_text("count: 2\n")
    reader.values["<stack>"] = "demo"

    reader.change("In `stacks/Pulumi.demo.yaml`, write `count: 3` instead of\n`count: 2`.")
    reader.do(Block("json", "{}\n", before="It is `stacks/Policies.<stack>.json`:\n\n"))

    assert page.read_text() == "count: 3\n"
    assert (reader.checkout / "stacks" / "Policies.demo.json").read_text() == "{}\n"
    with pytest.raises(AssertionError, match="has no count: 2"):
        reader.change("Write `count: 4` instead of `count: 2`.")


def test_what_was_shown_is_put_in_later(reader: Reader) -> None:
    reader.learns = {re.compile("secret is (.+)"): ('"token": "…"', '"token": "{}"')}

    reader.do(Block("console", 'echo the secret is 12\necho \'"token": "…"\'\n'))

    assert reader.printed == '"token": "12"\n'
