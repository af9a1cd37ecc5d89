"""What git knows of a build: read from the variables of GitHub Actions and Vercel, or from a `.git` folder.

No git is run: a repository can name programs that it would start. docs/posthog-api.md, section 6.2, has the names.
"""

import configparser
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from errtrack_mcp.builds.script import Unread, open_regular

MAX_FILE_BYTES = 1 << 20
DETACHED = "HEAD-detached"
_COMMIT = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REF = re.compile(r"refs/(?!.*\.\.)[\w./+@#-]{1,250}")
_REMOTE = 'remote "origin"'
# A value in git's configuration: parts of it may stand in quotes, and a comment may follow.
_VALUE = re.compile(r"""((?:[^"\\#;]|\\["\\]|"(?:[^"\\]|\\["\\])*+")*+)(?:[#;].*)?""")
_NAME = re.compile(r"[.-]*+\w[\w.+-]{0,250}")


class GitFacts(NamedTuple):
    """The commit that a build was made of; the repository is "" where git does not name it."""

    commit_id: str
    branch: str
    remote_url: str = ""
    repo_name: str = ""

    def metadata(self) -> dict[str, str]:
        """Return the facts as PostHog's CLI puts them into a release, under `git`."""
        given = {"remote_url": self.remote_url, "repo_name": self.repo_name}
        return {name: value for name, value in given.items() if value} | {
            "branch": self.branch,
            "commit_id": self.commit_id,
        }


def git_facts(environment: Mapping[str, str], directory: Path, top: Path) -> GitFacts | None:
    """Return the facts of the build in `directory`, or None: no folder above `top` is looked into.

    Both are absolute and free of links.
    """
    return _of_github(environment) or _of_vercel(environment) or _of_repository(directory, top)


def repository_above(directory: Path) -> Path | None:
    """Return the nearest folder from `directory` upwards that holds a `.git`."""
    return next((folder for folder in (directory, *directory.parents) if (folder / ".git").exists()), None)


def _of_github(environment: Mapping[str, str]) -> GitFacts | None:
    names = ("GITHUB_ACTIONS", "GITHUB_SHA", "GITHUB_REF_NAME", "GITHUB_REPOSITORY", "GITHUB_SERVER_URL")
    running, commit, branch, repository, server = (environment.get(name, "") for name in names)
    if not (running and commit and branch and repository and server):
        return None
    return GitFacts(commit, branch, f"{server}/{repository}.git", repository.rpartition("/")[2])


def _of_vercel(environment: Mapping[str, str]) -> GitFacts | None:
    names = ("VERCEL", "VERCEL_GIT_COMMIT_SHA", "VERCEL_GIT_COMMIT_REF", "VERCEL_GIT_REPO_SLUG")
    running, commit, branch, name = (environment.get(name, "") for name in names)
    if not (running and commit and branch and name):
        return None
    return GitFacts(commit, branch, "", name)


def _of_repository(directory: Path, top: Path) -> GitFacts | None:
    found = repository_above(directory)
    if found is None or not found.is_relative_to(top):
        return None
    try:
        own, shared = _folders(found / ".git", top)
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, or links in a circle
        return None
    head = _read(own / "HEAD")
    if not head.startswith("ref: "):
        return GitFacts(head, DETACHED, *_remote(shared)) if _COMMIT.fullmatch(head) else None
    ref = head.removeprefix("ref: ")
    if not _REF.fullmatch(ref):
        return None
    commit = _read(own / ref) or _read(shared / ref) or _packed(shared, ref)
    branch = ref.removeprefix("refs/heads/")
    return GitFacts(commit, branch, *_remote(shared)) if _COMMIT.fullmatch(commit) else None


def _folders(dot_git: Path, top: Path) -> tuple[Path, Path]:
    """Return git's folder of a work tree, and the one that all work trees share; both below `top`."""
    if dot_git.is_dir():
        return dot_git, dot_git
    named = _read(dot_git).removeprefix("gitdir: ")
    own = (dot_git.parent / named).resolve()
    if not named or not own.is_relative_to(top):
        return dot_git, dot_git
    common = _read(own / "commondir")
    shared = (own / common).resolve() if common else own
    return own, shared if shared.is_relative_to(top) else own


def _packed(folder: Path, ref: str) -> str:
    """Return the commit of a ref that git has packed into one file with others."""
    for line in _read(folder / "packed-refs").splitlines():
        commit, _, name = line.partition(" ")
        if name == ref:
            return commit
    return ""


def _remote(folder: Path) -> tuple[str, str]:
    """Return the address of the repository, without user and password, and its name where that is a plain word."""
    config = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    try:
        config.read_string(_read(folder / "config"))
        url = without_credentials(_value(config.get(_REMOTE, "url") or ""))
    except configparser.Error:
        return "", ""
    name = re.split(r"[/:]", url.rstrip("/").removesuffix(".git"))[-1]
    return url, name if _NAME.fullmatch(name) else ""


def _value(written: str) -> str:
    """Return a value as git reads it, without quotes and comment; "" where git refuses it, or it goes on below."""
    found = _VALUE.fullmatch(written.partition("\n")[0])  # a deeper line below is no part of it
    return re.sub(r'\\(.)|"', r"\1", found[1].rstrip()) if found else ""


def without_credentials(url: str) -> str:
    """Return the address of a repository without user, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if not parts.scheme or not parts.netloc:
        return url.rpartition("@")[2]  # git@host:owner/name
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _read(path: Path) -> str:
    """Return the text of a small file, or "" where there is none."""
    try:
        with open_regular(path) as file:
            return file.read(MAX_FILE_BYTES).decode().strip()
    except (Unread, UnicodeDecodeError):
        return ""
