"""Two releases side by side."""

import pytest

from errtrack_mcp.sandbox.database import Database
from errtrack_mcp.sandbox.seed import RELEASES, release_hash, release_id
from tests.support.fixtures import Answer, Connect, Refusal

pytestmark = pytest.mark.anyio

COMPARE = "error-tracking-releases-compare"
OLDER, NEWER = 4, 2  # storefront-web 2.13.1 and 2.13.2


def bound(database: Database, index: int, condition: str = "1") -> int:
    """Count a release's symbol sets in the database itself."""
    query = f"SELECT count(*) FROM symbol_sets WHERE release_id = ? AND {condition}"  # noqa: S608 - the tests' own words
    return int(database.execute(query, (release_id(index),)).fetchone()[0])


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    "names",
    [
        (release_id(OLDER), release_id(NEWER)),
        (release_hash("storefront-web", "2.13.1"), release_hash("storefront-web", "2.13.2")),
        ("2.13.1", "2.13.2"),
    ],
)
async def test_by_id_hash_or_version_in_any_order(
    connect: Connect, answer: Answer, database: Database, names: tuple[str, str], order: int
) -> None:
    """The older one is told from the newer by its age, not by its place in the call."""
    first, second = names[::order]
    async with connect() as client:
        found = await answer(client, COMPARE, first=first, second=second)
    for side, index in (("older", OLDER), ("newer", NEWER)):
        assert found[side]["release"]["version"] == RELEASES[index].version
        assert found[side]["symbol_sets"] == bound(database, index)
        assert found[side]["complete"] == bound(database, index, "storage_ptr NOT NULL AND last_used NOT NULL")
        assert len(found[side]["refs"]) == min(5, bound(database, index))
    assert found["older"]["age_days"] > found["newer"]["age_days"]
    assert found["differences"] == ["commit"]
    assert found["older"]["repository"].startswith("https://github.com/")
    assert "left_out" not in found


async def test_lost_source_maps_are_the_verdict(connect: Connect, answer: Answer, database: Database) -> None:
    """When the newer release has fewer, when it has none, and when neither has any."""
    async with connect() as client:
        fewer = await answer(client, COMPARE, first="2.13.1", second="2.13.2")
        with database.transaction():
            database.execute("DELETE FROM symbol_sets WHERE release_id = ?", (release_id(NEWER),))
        none = await answer(client, COMPARE, first="2.13.1", second="2.13.2")
        with database.transaction():
            database.execute("DELETE FROM symbol_sets")
        neither = await answer(client, COMPARE, first="2.13.1", second="2.13.2")
    assert fewer["lost_symbol_sets"] == 4
    assert "4 fewer symbol sets with a file" in fewer["verdict"]
    assert none["verdict"].startswith("Could not tell: no symbol set is bound to the newer release")
    assert "posthog-cli sourcemap process" in none["verdict"]
    assert none["lost_symbol_sets"] is None
    assert neither["lost_symbol_sets"] is None
    assert neither["verdict"].startswith("Could not tell: no symbol set is bound to either release")


async def test_an_upload_that_never_came_is_a_loss_and_no_doubt(
    connect: Connect, answer: Answer, database: Database
) -> None:
    """The newer release has symbol sets, so its mode binds them; none has a file."""
    with database.transaction():
        database.execute("UPDATE symbol_sets SET storage_ptr = NULL WHERE release_id = ?", (release_id(NEWER),))
    async with connect() as client:
        found = await answer(client, COMPARE, first="2.13.1", second="2.13.2")
    assert found["lost_symbol_sets"] == 7
    assert found["verdict"].startswith("None of the newer release's 3 symbol sets has a file, against 7 of the older ")


async def test_a_name_that_is_not_clear_is_refused_in_words(
    connect: Connect, refusal: Refusal, database: Database
) -> None:
    """Unknown, the same twice, and a version that two projects have."""
    with database.transaction():
        database.execute("UPDATE releases SET version = '1.0.0' WHERE id IN (?, ?)", (release_id(0), release_id(1)))
    async with connect() as client:
        assert (await refusal(client, COMPARE, first="nope", second="2.13.1")).startswith("not_found: ")
        assert "same release" in await refusal(client, COMPARE, first="2.13.1", second=release_id(OLDER))
        several = await refusal(client, COMPARE, first="1.0.0", second="2.13.1")
    assert '"checkout-api", "storefront-web"' in several


async def test_one_version_of_several_releases_is_refused_with_their_ids(
    connect: Connect, refusal: Refusal, database: Database
) -> None:
    """Releases made by hand may have project and version in common; none of them is picked in silence."""
    with database.transaction():
        alike = "UPDATE releases SET version = '1.0.0', project = 'twice' WHERE id IN (?, ?)"
        database.execute(alike, (release_id(0), release_id(1)))
    async with connect() as client:
        compared = await refusal(client, COMPARE, first="1.0.0", second="2.13.1")
        diagnosed = await refusal(client, "error-tracking-symbol-sets-diagnose", project="twice", version="1.0.0")
    for words in (compared, diagnosed):
        assert words.startswith("invalid_arguments: 2 releases are version")
        assert release_id(0) in words
        assert release_id(1) in words


async def test_a_hash_id_of_another_project_is_not_meant(
    connect: Connect, answer: Answer, refusal: Refusal, database: Database
) -> None:
    """What is the version of one project may be the hash id of another's release."""
    with database.transaction():
        database.execute("UPDATE releases SET hash_id = 'shared' WHERE id = ?", (release_id(1),))
        database.execute("UPDATE releases SET version = 'shared' WHERE id = ?", (release_id(NEWER),))
    async with connect() as client:
        found = await answer(client, COMPARE, first="shared", second="2.13.1", project="storefront-web")
        words = await refusal(client, COMPARE, first=release_id(1), second="2.13.1", project="storefront-web")
    assert found["newer"]["release"]["id"] == release_id(NEWER)
    assert words.startswith("not_found: ")
