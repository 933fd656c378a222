"""A Gitea and a GitHub of one repository: their answers' shapes, over a bare git repository.

Like the real ones they let anybody approve; whose approval counts is for who asks to find out.
"""

import base64
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

GIT = shutil.which("git") or "git"
BOT = "ethops-bot"
TOKEN = "of-the-bot"
AT = "2026-01-01T00:00:{:02d}Z"
Kind = Literal["gitea", "github"]


class Said(Exception):  # noqa: N818
    """An answer that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Forge:
    """One repository at a forge; people of it act through the methods, programs over HTTP."""

    kind: Kind
    folder: Path
    writers: set[str] = field(default_factory=lambda: {BOT, "anna", "ben", "carla"})
    machines: set[str] = field(default_factory=lambda: {BOT, "actions[bot]"})
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    reviews: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    after_merge: Callable[[], None] = lambda: None
    """Called once a merge is done, before it is answered."""
    broken: dict[int, int] = field(default_factory=dict)
    """Number of a pull request -> the status that it alone is answered with."""
    unseen: dict[int, int] = field(default_factory=dict)
    """Number of a pull request -> how often a Gitea that still looks at it says "later"."""
    may_not_merge: bool = False
    """A Gitea's branch is protected, and our account is not named there."""
    tree_page: int = 1000
    """As many files of a tree a Gitea tells at once, whatever it is asked for."""
    url: str = ""

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._run("init", "--quiet", "--bare", "--initial-branch=main", str(self.folder))
        self.commit({"README.md": b"# Pages\n"})
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def _any(self) -> None:
                forge._serve(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    # ------------------------------------------------------------ people of it

    def review(self, number: int, verdict: str, *, head: str, by: str) -> None:
        """Say something on the page of a pull request."""
        words = {
            "gitea": {"changes_requested": "REQUEST_CHANGES", "commented": "COMMENT"},
            "github": {"changes_requested": "CHANGES_REQUESTED", "commented": "COMMENTED"},
        }[self.kind]
        many = self.reviews.setdefault(number, [])
        said = {
            "id": len(many) + 1,
            "user": self._user(by),
            "state": words.get(verdict, "APPROVED"),
            "commit_id": head,
            "body": "so",
            "submitted_at": AT.format(len(many)),
        }
        if self.kind == "gitea":
            official = by in self.writers
            said |= {"official": official, "dismissed": False, "stale": False}
        many.append(said)

    def dismiss(self, number: int, by: str) -> None:
        """Take somebody's word back."""
        for said in self.reviews[number]:
            if said["user"]["login"] == by:
                if self.kind == "gitea":
                    said["dismissed"] = True
                else:
                    said["state"] = "DISMISSED"

    def merge_as(self, number: int, by: str) -> str:
        """Press the button on its page: whatever the head is by then."""
        pull, shown = self.pulls[number], self._shown(number)
        sha = shown["head"]["sha"]
        self.merge_pull([str(number)], {}, {"head_commit_id": sha, "sha": sha})
        pull["ended_by"] = by
        return str(pull["merged"])

    def close_as(self, number: int, by: str) -> None:
        """Close it on its page."""
        self.pulls[number] |= {"state": "closed", "ended_by": by}

    def reopen(self, number: int) -> None:
        """Open it again."""
        self.pulls[number] |= {"state": "open", "ended_by": ""}

    def delete_branch(self, number: int) -> None:
        """Delete its branch, as people do after a merge."""
        pull = self.pulls[number]
        pull["head"] = self._head(pull)
        self._run("update-ref", "-d", f"refs/heads/{pull['branch']}")
        pull["gone"] = True

    def commit(
        self,
        files: dict[str, bytes],
        branch: str = "main",
        by: str = "x <x@x>",
        *,
        emptied: bool = False,
    ) -> None:
        """Change a branch past every pull request, after all that is there is gone or not."""
        ref = f"refs/heads/{branch}"
        parent = self._tip(branch)
        lines = f"commit {ref}\ncommitter {by} 1 +0000\ndata 0\n"
        parts = [(lines + (f"from {parent}\n" if parent else "")).encode()]
        if emptied:
            parts.append(b"deleteall\n")
        for path, content in files.items():
            parts.append(f"M 100644 inline {path}\ndata {len(content)}\n".encode())
            parts += [content, b"\n"]
        self._run("fast-import", "--quiet", stdin=b"".join(parts))

    def branches(self) -> list[str]:
        return self._run("for-each-ref", "--format=%(refname:lstrip=2)").decode().split()

    def files(self, ref: str = "main") -> dict[str, bytes]:
        names = self._run("ls-tree", "-r", "-z", "--name-only", ref).decode().split("\0")
        return {name: self._run("cat-file", "blob", f"{ref}:{name}") for name in names if name}

    # ------------------------------------------------------------ over HTTP

    def _serve(self, http: BaseHTTPRequestHandler) -> None:
        split = urlsplit(http.path)
        raw = http.rfile.read(int(http.headers.get("Content-Length") or 0))
        self.asked.append((http.command, split.path))
        word = "token" if self.kind == "gitea" else "Bearer"
        try:
            if http.headers["Authorization"] != f"{word} {TOKEN}":
                raise Said(401, "token is required")
            prefix = "/api/v1" if self.kind == "gitea" else ""
            path = split.path.removeprefix(f"{prefix}/repos/site/pages/")
            query = {name: values[0] for name, values in parse_qs(split.query).items()}
            with self._lock:
                status, said = self._answer(http.command, path, query, json.loads(raw or b"{}"))
        except Said as refusal:
            status, said = refusal.status, {"message": str(refusal)}
        body = b"" if said is None else json.dumps(said).encode()
        http.send_response(status)
        http.send_header("Content-Length", str(len(body)))
        http.end_headers()
        http.wfile.write(body)

    def _answer(
        self, method: str, path: str, query: dict[str, str], body: dict[str, Any]
    ) -> tuple[int, Any]:
        for verb, pattern, answer in ROUTES:
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                status, said = answer(self, [unquote(each) for each in found.groups()], query, body)
                if isinstance(said, list) and "page" in query:
                    size = min(int(query.get("limit", query.get("per_page", "30"))), 2)
                    start = (int(query["page"]) - 1) * size
                    said = said[start : start + size]
                return status, said
        raise Said(404, "Not Found")

    def list_pulls(self, _: list[str], query: dict[str, str], __: object) -> tuple[int, Any]:
        state = query.get("state", "open")
        head = query.get("head", ":").partition(":")[2]
        shown = [self._shown(number) for number in sorted(self.pulls, reverse=True)]
        return 200, [
            each
            for each in shown
            if state in ("all", each["state"]) and head in ("", each["head"]["ref"])
        ]

    def get_pull(self, given: list[str], *_: object) -> tuple[int, Any]:
        if int(given[0]) in self.broken:
            raise Said(self.broken[int(given[0])], "not this one")
        return 200, self._shown(self._number(given[0]))

    def by_base_head(self, given: list[str], *_: object) -> tuple[int, Any]:
        for number, pull in self.pulls.items():
            if (pull["base"], pull["branch"]) == tuple(given):
                return 200, self._shown(number)
        raise Said(404, "pull request does not exist")

    def open_pull(self, _: object, __: object, body: dict[str, Any]) -> tuple[int, Any]:
        if self._tip(body["head"]) is None:
            raise Said(422 if self.kind == "github" else 404, "head does not exist")
        if any(pull["branch"] == body["head"] for pull in self.pulls.values()):
            raise Said(422 if self.kind == "github" else 409, "pull request already exists")
        number = len(self.pulls) + 1
        self.pulls[number] = {
            "title": body["title"], "body": body["body"], "branch": body["head"],
            "base": body["base"], "state": "open", "merged": None,
            "fork": self._run("merge-base", body["base"], body["head"]).decode().strip(),
        }  # fmt: skip
        return 201, self._shown(number)

    def get_issue(self, given: list[str], *_: object) -> tuple[int, Any]:
        pull = self.pulls[self._number(given[0])]
        by = pull.get("ended_by")
        return 200, {"number": int(given[0]), "closed_by": self._user(by) if by else None}

    def change_pull(self, given: list[str], _: object, body: dict[str, Any]) -> tuple[int, Any]:
        self.pulls[self._number(given[0])]["state"] = body["state"]
        return 200, self._shown(int(given[0]))

    def merge_pull(self, given: list[str], _: object, body: dict[str, Any]) -> tuple[int, Any]:
        number = self._number(given[0])
        pull, shown = self.pulls[number], self._shown(number)
        wanted = body["head_commit_id"] if self.kind == "gitea" else body["sha"]
        if wanted != shown["head"]["sha"]:
            raise Said(409, "head out of date")
        if self.kind == "gitea":
            self._refuse_as_gitea(number, mergeable=shown["mergeable"])
        if pull["state"] != "open" or not shown["mergeable"]:
            raise Said(405, "Pull Request is not mergeable")
        tip = self._tip(pull["base"]) or ""
        tree = self._run("merge-tree", "--write-tree", tip, wanted).decode().split()[0]
        made = self._made(tree, [tip, wanted], "merge", BOT)
        self._run("update-ref", f"refs/heads/{pull['base']}", made, tip)
        pull |= {"state": "closed", "merged": made, "head": wanted}
        self.after_merge()
        if self.kind == "gitea":
            return 200, None
        return 200, {"sha": made, "merged": True, "message": "Pull Request successfully merged"}

    def _refuse_as_gitea(self, number: int, *, mergeable: bool) -> None:
        if self.may_not_merge:
            raise Said(405, "User not allowed to merge PR")
        if self._is_draft(number):
            raise Said(405, "Work in progress PRs cannot be merged")
        if not mergeable:
            self.unseen[number] = max(self.unseen.get(number, 0) - 1, 0)
            raise Said(405, "Please try again later")

    def _is_draft(self, number: int) -> bool:
        return str(self.pulls[number]["title"]).startswith("WIP:")

    def list_assignees(self, *_: object) -> tuple[int, Any]:
        return 200, [self._user(login) for login in sorted(self.writers)]

    def list_reviews(self, given: list[str], *_: object) -> tuple[int, Any]:
        number = self._number(given[0])
        shown = [dict(said) for said in self.reviews.get(number, [])]
        if self.kind == "gitea":
            head = self._shown(number)["head"]["sha"]
            shown = [{**said, "stale": said["commit_id"] != head} for said in shown]
        return 200, shown

    def list_commits(self, given: list[str], *_: object) -> tuple[int, Any]:
        pull = self.pulls[self._number(given[0])]
        head = self._head(pull)
        order = ["--reverse"] if self.kind == "github" else []
        found = self._run("rev-list", *order, f"{pull['fork']}..{head}").decode().split()
        return 200, [self._commit(sha) for sha in found]

    def list_files(self, given: list[str], *_: object) -> tuple[int, Any]:
        pull = self.pulls[self._number(given[0])]
        head = self._head(pull)
        raw = self._run("diff-tree", "-r", "--no-renames", "--name-status", pull["fork"], head)
        words = {
            "gitea": {"A": "added", "M": "changed", "D": "deleted"},
            "github": {"A": "added", "M": "modified", "D": "removed"},
        }[self.kind]
        lines = (line.split("\t") for line in raw.decode().splitlines())
        return 200, [{"filename": path, "status": words[mark]} for mark, path in lines]

    def get_tree(self, given: list[str], query: dict[str, str], _: object) -> tuple[int, Any]:
        raw = self._run("ls-tree", "-r", "-t", "-l", given[0]).decode()
        entries: list[dict[str, Any]] = []
        for line in raw.splitlines():
            head, path = line.split("\t", 1)
            mode, kind, sha, size = head.split()
            entry = {"path": path, "mode": mode, "type": kind, "sha": sha}
            entries.append({**entry, "size": int(size)} if kind == "blob" else entry)
        if self.kind == "github":
            return 200, {"sha": given[0], "tree": entries, "truncated": False}
        start = (int(query.get("page", 1)) - 1) * self.tree_page
        part = entries[start : start + self.tree_page]
        truncated = start + self.tree_page < len(entries)
        return 200, {"sha": given[0], "tree": part or None, "truncated": truncated}

    def get_blob(self, given: list[str], *_: object) -> tuple[int, Any]:
        content = base64.b64encode(self._run("cat-file", "blob", given[0])).decode()
        return 200, {"sha": given[0], "encoding": "base64", "content": content}

    def get_branch(self, given: list[str], *_: object) -> tuple[int, Any]:
        tip = self._tip(given[0])
        if tip is None:
            raise Said(404, "branch does not exist")
        if self.kind == "gitea":
            return 200, {"name": given[0], "commit": {"id": tip}}
        return 200, {"ref": f"refs/heads/{given[0]}", "object": {"sha": tip, "type": "commit"}}

    def get_permission(self, given: list[str], *_: object) -> tuple[int, Any]:
        may = "write" if given[0] in self.writers else "read"
        return 200, {"permission": may, "user": self._user(given[0])}

    def comment(self, *_: object) -> tuple[int, Any]:
        return 201, {"id": 1}

    def change_files(self, _: object, __: object, body: dict[str, Any]) -> tuple[int, Any]:
        branch = body.get("new_branch") or body["branch"]
        parent = self._tip(body["branch"]) or ""
        there = self._blobs(parent)
        if body.get("new_branch") and self._tip(branch):
            raise Said(409, "branch already exists")
        for file in body["files"]:
            if file["operation"] == "create" and file["path"] in there:
                raise Said(422, "file already exists")
            if file["operation"] != "create" and there.get(file["path"]) != file["sha"]:
                raise Said(422, "sha does not match")
        entries = [
            (file["path"], None if file["operation"] == "delete" else self._blob(file["content"]))
            for file in body["files"]
        ]
        made = self._made(self._tree(parent, entries), [parent], body["message"], BOT)
        self._run("update-ref", f"refs/heads/{branch}", made)
        return 201, {"files": [], "commit": {"sha": made}}

    def make_blob(self, _: object, __: object, body: dict[str, Any]) -> tuple[int, Any]:
        return 201, {"sha": self._blob(body["content"])}

    def make_tree(self, _: object, __: object, body: dict[str, Any]) -> tuple[int, Any]:
        if self._run("cat-file", "-t", body["base_tree"]).strip() != b"tree":
            raise Said(422, "base_tree is not a valid tree oid")
        entries = [(entry["path"], entry["sha"]) for entry in body["tree"]]
        return 201, {"sha": self._tree(body["base_tree"], entries)}

    def make_commit(self, _: object, __: object, body: dict[str, Any]) -> tuple[int, Any]:
        return 201, {"sha": self._made(body["tree"], body["parents"], body["message"], BOT)}

    def get_commit(self, given: list[str], *_: object) -> tuple[int, Any]:
        tree = self._run("rev-parse", f"{given[0]}^{{tree}}").decode().strip()
        return 200, {"sha": given[0], "tree": {"sha": tree}}

    def drop_branch(self, given: list[str], *_: object) -> tuple[int, Any]:
        if self._tip(given[0]) is None:
            raise Said(422 if self.kind == "github" else 404, "Reference does not exist")
        for number, pull in self.pulls.items():
            if pull["branch"] == given[0]:
                self.delete_branch(number)
        return 204, None

    def make_ref(self, _: object, __: object, body: dict[str, Any]) -> tuple[int, Any]:
        if self._tip(body["ref"].removeprefix("refs/heads/")):
            raise Said(422, "Reference already exists")
        self._run("update-ref", body["ref"], body["sha"])
        return 201, {"ref": body["ref"]}

    def move_ref(self, given: list[str], _: object, body: dict[str, Any]) -> tuple[int, Any]:
        tip = self._tip(given[0]) or ""
        inside = self._ran("merge-base", "--is-ancestor", tip, body["sha"]).returncode == 0
        if not inside and not body["force"]:
            raise Said(422, "Update is not a fast forward")
        self._run("update-ref", f"refs/heads/{given[0]}", body["sha"])
        return 200, {}

    # ------------------------------------------------------------ git beneath

    def _shown(self, number: int) -> dict[str, Any]:
        pull = self.pulls[number]
        head = self._head(pull)
        changed = len(self.reviews.get(number, [])) + (pull["state"] != "open")
        changed += int(self._run("rev-list", "--count", head))
        merger = pull.get("ended_by") or BOT
        ref = pull["branch"]
        if pull.get("gone") and self.kind == "gitea":
            ref = f"refs/pull/{number}/head"
        clean = self._ran("merge-tree", "--write-tree", pull["base"], head).returncode == 0
        if self.kind == "gitea":
            # It calls mergeable neither what it still looks at nor what is unfinished.
            clean = clean and not self.unseen.get(number) and not self._is_draft(number)
        return {
            "number": number, "title": pull["title"], "body": pull["body"],
            "user": self._user(BOT), "state": pull["state"], "mergeable": clean,
            "merged_at": AT.format(59) if pull["merged"] else None,
            "merge_commit_sha": pull["merged"], "created_at": AT.format(number % 60),
            "html_url": f"{self.url}/site/pages/pulls/{number}",
            "updated_at": AT.format(changed % 60),
            "merged_by": self._user(merger) if pull["merged"] else None,
            "head": {
                "ref": ref, "sha": head,
                "label": ("" if self.kind == "gitea" else "site:") + pull["branch"],
            },
            "base": {"ref": pull["base"]},
        }  # fmt: skip

    def _head(self, pull: dict[str, Any]) -> str:
        return str(pull.get("head") or self._tip(pull["branch"]))

    def _number(self, text: str) -> int:
        if int(text) not in self.pulls:
            raise Said(404, "Not Found")
        return int(text)

    def _user(self, login: str) -> dict[str, Any]:
        kind = {"type": "Bot" if login.endswith("[bot]") else "User"}
        return {"login": login} | (kind if self.kind == "github" else {})

    def _commit(self, sha: str) -> dict[str, Any]:
        name, message = self._run("log", "-1", "--format=%cn%n%B", sha).decode().split("\n", 1)
        who = self._user(name) if name in {*self.writers, *self.machines} else None
        return {"sha": sha, "commit": {"message": message}, "author": who, "committer": who}

    def _tip(self, branch: str) -> str | None:
        ran = self._ran("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}")
        return ran.stdout.decode().strip() or None

    def _blobs(self, commit: str) -> dict[str, str]:
        lines = self._run("ls-tree", "-r", commit).decode().splitlines()
        return {line.partition("\t")[2]: line.split()[2] for line in lines}

    def _blob(self, content: str) -> str:
        raw = base64.b64decode(content)
        return self._run("hash-object", "-w", "--stdin", stdin=raw).decode().strip()

    def _tree(self, base: str, entries: list[tuple[str, str | None]]) -> str:
        index = str(self.folder / "index.tmp")
        self._run("read-tree", base, index=index)
        lines = [
            f"100644 {sha}\t{path}" if sha else f"0 {'0' * 40}\t{path}" for path, sha in entries
        ]
        self._run(
            "update-index", "--index-info", stdin="\n".join([*lines, ""]).encode(), index=index
        )
        return self._run("write-tree", index=index).decode().strip()

    def _made(self, tree: str, parents: list[str], message: str, by: str) -> str:
        head = [f"tree {tree}", *(f"parent {parent}" for parent in parents if parent)]
        who = f"{by} <{by}@x> 1 +0000"
        text = "\n".join([*head, f"author {who}", f"committer {who}", "", message])
        asked = ("hash-object", "-t", "commit", "-w", "--stdin")
        return self._run(*asked, stdin=text.encode()).decode().strip()

    def _run(self, *words: str, stdin: bytes = b"", index: str = "index") -> bytes:
        ran = self._ran(*words, stdin=stdin, index=index)
        ran.check_returncode()
        return ran.stdout

    def _ran(
        self, *words: str, stdin: bytes = b"", index: str = "index"
    ) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [GIT, *words], input=stdin, capture_output=True, check=False,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_DIR": str(self.folder),
                 "GIT_INDEX_FILE": index},
        )  # fmt: skip


ROUTES: list[tuple[str, str, Callable[..., tuple[int, Any]]]] = [
    ("GET", r"pulls", Forge.list_pulls),
    ("POST", r"pulls", Forge.open_pull),
    ("GET", r"pulls/(\d+)", Forge.get_pull),
    ("PATCH", r"pulls/(\d+)", Forge.change_pull),
    ("POST", r"pulls/(\d+)/merge", Forge.merge_pull),  # Gitea
    ("PUT", r"pulls/(\d+)/merge", Forge.merge_pull),  # GitHub
    ("GET", r"pulls/(\d+)/reviews", Forge.list_reviews),
    ("GET", r"pulls/(\d+)/commits", Forge.list_commits),
    ("GET", r"pulls/(\d+)/files", Forge.list_files),
    ("GET", r"pulls/([^/]+)/(.+)", Forge.by_base_head),
    ("GET", r"git/trees/(\w+)", Forge.get_tree),
    ("GET", r"git/blobs/(\w+)", Forge.get_blob),
    ("GET", r"git/commits/(\w+)", Forge.get_commit),
    ("GET", r"branches/(.+)", Forge.get_branch),
    ("GET", r"git/ref/heads/(.+)", Forge.get_branch),
    ("DELETE", r"branches/(.+)", Forge.drop_branch),  # Gitea
    ("DELETE", r"git/refs/heads/(.+)", Forge.drop_branch),  # GitHub
    ("GET", r"collaborators/([^/]+)/permission", Forge.get_permission),
    ("GET", r"assignees", Forge.list_assignees),
    ("GET", r"issues/(\d+)", Forge.get_issue),
    ("POST", r"issues/(\d+)/comments", Forge.comment),
    ("POST", r"contents", Forge.change_files),
    ("POST", r"git/blobs", Forge.make_blob),
    ("POST", r"git/trees", Forge.make_tree),
    ("POST", r"git/commits", Forge.make_commit),
    ("POST", r"git/refs", Forge.make_ref),
    ("PATCH", r"git/refs/heads/(.+)", Forge.move_ref),
]
