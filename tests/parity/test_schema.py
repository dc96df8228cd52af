"""Our schema against the recorded answers of the original's: the catalog, then every write sequence."""

import asyncio

import asyncpg
import pytest

# tests/conftest.py has put this folder on the path and makes the databases.
import catalog
import recorded
import sequences
import state

CHUNK = 100
STORED = recorded.read_lines("sequences.jsonl.gz")


@pytest.fixture(scope="module")
def url(cluster, template):
    """A database with our schema that these tests may fill and empty."""
    name = cluster.create(template)
    yield cluster.server.url(name)
    cluster.drop(name)


def on(url, work):
    """Run `work(conn)` on a connection of its own."""
    async def connected():
        conn = await asyncpg.connect(url)
        try:
            return await work(conn)
        finally:
            await conn.close()
    return asyncio.run(connected())


def test_catalog_is_the_recorded_one(url):
    said = catalog.compare(recorded.read_json("schema-catalog.json"), on(url, catalog.read))
    assert not said, "\n".join(said)


def test_enough_is_recorded():
    refused = {a["refused"] for s in STORED for a in s["answers"] if isinstance(a, dict)}
    assert len(STORED) >= 900
    assert sum(len(s["statements"]) for s in STORED) >= 20000
    assert refused >= {"23502", "23503", "23505", "23514", "22P02", "428C9", "P0002"}
    changed = {name for s in STORED for c in s["changed"] for name in c}
    assert changed == set(state.TABLES + state.VIEWS), "every table and view must have been seen to change"


@pytest.mark.parametrize("first", range(0, len(STORED), CHUNK))
def test_sequences_leave_what_they_left_upstream(url, first):
    async def replay(conn):
        player = sequences.Player(conn)
        return [line for s in STORED[first:first + CHUNK] for line in sequences.differences(s, await player.play(s))]

    said = on(url, replay)
    assert not said, f"{len(said)} lines differ:\n" + "\n".join(said[:30])


def test_comparison_notices():
    """The comparison itself: a wrong answer, a wrong change and a wrong column are all reported."""
    good = STORED[0]
    assert sequences.differences(good, good) == []
    for part, wrong in (("answers", "INSERT 0 7"), ("changed", {"run": "00000000"})):
        assert sequences.differences(good, {**good, part: [wrong, *good[part][1:]]})
    assert sequences.differences(good, {**good, "state": {**good["state"], "worker": [["w", "p", None]]}})
    theirs, mine = (recorded.read_json("schema-catalog.json") for _ in range(2))
    mine["tables"]["run"]["columns"].reverse()
    assert any("columns are" in line for line in catalog.compare(theirs, mine))
