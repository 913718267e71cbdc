"""A GitHub and a GitLab on loopback, as far as pipelines talk to them."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "token-of-the-pipeline"
BOT = "github-actions[bot]"


@dataclass
class FakeForge:
    """What it knows; tests look into it, and change it as people would."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    merged: dict[str, int] = field(default_factory=dict)
    """Commit -> the change that it came in by."""
    refused: bool = False
    """Whether the token may only read, as a fork's."""

    def say(self, author: str, text: str) -> None:
        """Somebody comments."""
        self.comments.append({"id": len(self.comments) + 1, "author": author, "body": text})

    def github(self) -> dict[str, str]:
        """What a job of GitHub has in its environment."""
        return {"GITHUB_REPOSITORY": "team/labs", "GITHUB_API_URL": self.url, "GITHUB_TOKEN": TOKEN}

    def gitlab(self) -> dict[str, str]:
        """What a job of GitLab has in its environment."""
        return {"CI_API_V4_URL": self.url, "CI_PROJECT_ID": "team/labs", "LABS_TOKEN": TOKEN}

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> tuple[int, Any]:
        """One call."""
        if self.refused and method != "GET":
            return 403, {"message": "Resource not accessible by integration"}
        for wanted, pattern, does in self._routes():
            found = re.fullmatch(pattern, path)
            if method == wanted and found:
                told = does(*found.groups(), body) if method != "GET" else does(*found.groups())
                return 200, _page(told, query) if isinstance(told, list) else told
        return 404, {"message": "Not Found"}

    def _routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        hub, lab = "/repos/team/labs", "/projects/team/labs"
        return [
            ("GET", f"{hub}/issues/7/comments", lambda: [self._hub(row) for row in self.comments]),
            ("POST", f"{hub}/issues/7/comments", lambda body: self.say(BOT, body["body"])),
            ("PATCH", rf"{hub}/issues/comments/(\d+)", self._rewrite),
            ("GET", f"{hub}/issues/7/labels", lambda: [{"name": name} for name in self.labels]),
            ("GET", rf"{hub}/commits/(\w+)/pulls", lambda commit: self._changes("number", commit)),
            ("GET", f"{hub}/issues", lambda: [self._hub(row) for row in self._open()]),
            ("POST", f"{hub}/issues", lambda body: self._open_issue(body["title"], body["body"])),
            ("PATCH", rf"{hub}/issues/(\d+)", self._change_issue),
            ("GET", "/user", lambda: {"username": BOT}),
            ("GET", f"{lab}/merge_requests/7/notes", lambda: [self._lab(row) for row in self.comments]),
            ("POST", f"{lab}/merge_requests/7/notes", lambda body: self.say(BOT, body["body"])),
            ("PUT", rf"{lab}/merge_requests/7/notes/(\d+)", self._rewrite),
            ("GET", f"{lab}/merge_requests/7", lambda: {"labels": self.labels}),
            ("GET", rf"{lab}/repository/commits/(\w+)/merge_requests", lambda commit: self._changes("iid", commit)),
            ("GET", f"{lab}/issues", lambda: [self._lab(row) for row in self._open()]),
            ("POST", f"{lab}/issues", lambda body: self._open_issue(body["title"], body["description"])),
            ("PUT", rf"{lab}/issues/(\d+)", self._change_issue),
        ]

    def _hub(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"id": row["id"], "number": row["id"], "body": row["body"], "user": {"login": row["author"]}}

    def _lab(self, row: dict[str, Any]) -> dict[str, Any]:
        author = {"username": row["author"]}
        return {"id": row["id"], "iid": row["id"], "body": row["body"], "description": row["body"], "author": author}

    def _rewrite(self, number: str, body: dict[str, Any]) -> None:
        self.comments[int(number) - 1]["body"] = body["body"]

    def _changes(self, name: str, commit: str) -> list[dict[str, int]]:
        return [{name: self.merged[commit]}] if commit in self.merged else []

    def _open(self) -> list[dict[str, Any]]:
        return [row for row in self.issues if row["open"]]

    def _open_issue(self, title: str, text: str) -> None:
        number = len(self.issues) + 1
        self.issues.append({"id": number, "author": BOT, "title": title, "body": text, "open": True})

    def _change_issue(self, number: str, body: dict[str, Any]) -> None:
        issue = self.issues[int(number) - 1]
        issue["body"] = body.get("body") or body.get("description") or issue["body"]
        issue["open"] = body.get("state") != "closed" and body.get("state_event") != "close"


def _page(rows: list[Any], query: dict[str, list[str]]) -> list[Any]:
    size, number = (int(query.get(name, ["30"])[0]) for name in ("per_page", "page")) if "page" in query else (30, 1)
    return rows[size * (number - 1) : size * number]


@contextmanager
def fake_forge() -> Iterator[FakeForge]:
    """One that answers on loopback."""
    forge = FakeForge()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            parts = urlsplit(self.path)
            known = TOKEN in (self.headers.get("PRIVATE-TOKEN"), (self.headers.get("Authorization") or "")[7:])
            code, told = forge.answer(self.command, unquote(parts.path), parse_qs(parts.query), body)
            code, told = (code, told) if known else (401, {})
            text = json.dumps(told).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_PATCH = _do  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server has
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    forge.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
