"""What git knows of a build."""

import os
import subprocess
from pathlib import Path

import pytest

from errtrack_mcp.builds.git import GitFacts, git_facts, repository_above, without_credentials

COMMIT = "0123456789abcdef0123456789abcdef01234567"
IDENTITY = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": "/nonexistent"}


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    done = subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, env={**os.environ, **IDENTITY}
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with one commit on branch `topic/one`, and a folder `dist` in it."""
    root = tmp_path / "shop"
    (root / "dist").mkdir(parents=True)
    git(root, "init", "--quiet", "--initial-branch", "topic/one")
    git(root, "remote", "add", "origin", "https://person:secret@github.com/owner/shop-web.git")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "first")
    return root


def facts(repository: Path, **environment: str) -> GitFacts | None:
    """Return the facts of the folder `dist`."""
    return git_facts(environment, repository / "dist", repository)


def test_a_repository_tells_commit_branch_and_address(repository: Path) -> None:
    """As PostHog's CLI reads them; the password in the address is left out."""
    commit = git(repository, "rev-parse", "HEAD")
    found = facts(repository)
    assert found == GitFacts(commit, "topic/one", "https://github.com/owner/shop-web.git", "shop-web")
    assert found.metadata() == {
        "remote_url": "https://github.com/owner/shop-web.git",
        "repo_name": "shop-web",
        "branch": "topic/one",
        "commit_id": commit,
    }


def test_packed_refs_and_a_detached_head_are_understood(repository: Path) -> None:
    """Both are usual in CI."""
    commit = git(repository, "rev-parse", "HEAD")
    git(repository, "pack-refs", "--all")
    found = facts(repository)
    assert found is not None
    assert found.commit_id == commit
    git(repository, "checkout", "--quiet", "--detach")
    found = facts(repository)
    assert found is not None
    assert (found.branch, found.commit_id) == ("HEAD-detached", commit)


def test_a_work_tree_is_read_by_its_own_head(repository: Path) -> None:
    """Its `.git` is a file; commits and remotes are where the others are."""
    tree = repository / "trees" / "second"
    git(repository, "worktree", "add", "--quiet", "-b", "second", str(tree))
    found = git_facts({}, tree, repository)
    assert found == GitFacts(
        git(tree, "rev-parse", "HEAD"), "second", "https://github.com/owner/shop-web.git", "shop-web"
    )


def test_nothing_above_the_root_is_read(repository: Path, tmp_path: Path) -> None:
    """The build root bounds what a tool may look at, a folder that `.git` names included."""
    assert git_facts({}, repository / "dist", repository / "dist") is None
    assert repository_above(repository / "dist") == repository
    outside = tmp_path / "other"
    (outside / "dist").mkdir(parents=True)
    (outside / ".git").write_text(f"gitdir: {repository / '.git'}\n")
    assert git_facts({}, outside / "dist", outside) is None
    assert git_facts({}, outside / "dist", tmp_path) is not None


@pytest.mark.parametrize(
    ("head", "files"),
    [
        ("ref: refs/heads/../../../secret", {}),
        ("ref: refs/heads/main", {"refs/heads/main": "no commit"}),
        ("ref: refs/heads/main", {}),
        ("something else", {}),
        ("", {}),
    ],
)
def test_a_folder_that_is_no_repository_tells_nothing(tmp_path: Path, head: str, files: dict[str, str]) -> None:
    """And no name in it leads out of it."""
    (tmp_path / "secret").write_text(COMMIT)
    dot_git = tmp_path / "a" / ".git"
    dot_git.mkdir(parents=True)
    (dot_git / "HEAD").write_text(head)
    for name, text in files.items():
        path = dot_git / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    assert git_facts({}, tmp_path / "a", tmp_path) is None


def test_the_variables_of_ci_come_first(tmp_path: Path) -> None:
    """GitHub Actions and Vercel tell more than their detached checkouts."""
    github = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SHA": COMMIT,
        "GITHUB_REF_NAME": "main",
        "GITHUB_REPOSITORY": "owner/shop",
        "GITHUB_SERVER_URL": "https://github.com",
    }
    expected = GitFacts(COMMIT, "main", "https://github.com/owner/shop.git", "shop")
    assert git_facts(github, tmp_path, tmp_path) == expected
    assert git_facts({**github, "GITHUB_SHA": ""}, tmp_path, tmp_path) is None
    vercel = {
        "VERCEL": "1",
        "VERCEL_GIT_COMMIT_SHA": COMMIT,
        "VERCEL_GIT_COMMIT_REF": "main",
        "VERCEL_GIT_REPO_SLUG": "shop",
    }
    assert git_facts(vercel, tmp_path, tmp_path) == GitFacts(COMMIT, "main", "", "shop")


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://person:secret@host/owner/name.git?token=a#b", "https://host/owner/name.git"),
        ("ssh://git@host:22/owner/name.git", "ssh://host:22/owner/name.git"),
        ("git@host:owner/name.git", "host:owner/name.git"),
        ("https://[broken/name", ""),
    ],
)
def test_an_address_loses_its_secrets(url: str, clean: str) -> None:
    """Release metadata is seen by everybody in the project."""
    assert without_credentials(url) == clean


@pytest.mark.parametrize("text", ["gitdir: a\0b", "gitdir: loop/x"])
def test_a_git_file_that_leads_nowhere_tells_nothing(tmp_path: Path, text: str) -> None:
    """A name that no file can have, and links in a circle."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / ".git").write_text(text)
    assert git_facts({}, tmp_path, tmp_path) is None


def test_no_secret_of_an_address_becomes_a_name(tmp_path: Path) -> None:
    """Not even one behind a question mark; an address without a value is none."""
    for line, name in (("url = https://h/o/shop.git?private_token=SECRET", "shop"), ("url", "")):
        git_folder = tmp_path / ".git"
        git_folder.mkdir(exist_ok=True)
        (git_folder / "HEAD").write_text(COMMIT)
        (git_folder / "config").write_text(f'[remote "origin"]\n\t{line}\n')
        found = git_facts({}, tmp_path, tmp_path)
        assert found is not None
        assert found.repo_name == name
        assert "SECRET" not in str(found)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("https://h/o/shop.git ; ours", "shop"),
        ("https://h/o/shop.git # ours", "shop"),
        ("https://h/o/shop.git;ours", "shop"),
        ('"https://h/o/shop.git"', "shop"),
        ('"https://h/o/shop.git" ; "ours"', "shop"),
        ('https://h/"o/shop.git"', "shop"),
        ("git@h:o/.github", ".github"),
        (r'"https://h/o/shop#1\\2;\".git"', "shop"),
        (r'"git@h:o/shop#1\\2;\".git"', ""),
        ("https://h/o/shop.git\n\t\tfetch = refs/heads/*", "shop"),
        ("https://h/o/my shop.git", ""),
        ('"https://h/o/shop.git', ""),
        (r"https://h/o/shop\x.git", ""),
        ("https://h/o/..", ""),
    ],
)
def test_a_value_is_read_as_git_reads_it(tmp_path: Path, written: str, name: str) -> None:
    """The name becomes that of the release's app, so one that is no plain word is none."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".git" / "HEAD").write_text(COMMIT)
    config = tmp_path / ".git" / "config"
    config.write_text(f'[remote "origin"]\n\turl = {written}\n')
    command = ["git", "config", "--file", str(config), "remote.origin.url"]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout.removesuffix("\n")
    found = git_facts({}, tmp_path, tmp_path)
    assert found is not None
    assert (found.remote_url, found.repo_name) == (without_credentials(told), name)
