"""Our schema against the recorded answers of the original's: the catalog, then every write sequence.

Run from the tree: /usr/bin/python3 -m pytest tests/parity
"""

import asyncio
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import asyncpg  # noqa: E402

import catalog  # noqa: E402
import ours  # noqa: E402
import recorded  # noqa: E402
import scratch  # noqa: E402
import sequences  # noqa: E402
import state  # noqa: E402


@pytest.fixture(scope="module")
def url():
    """URL of a database with our schema that these tests may fill and empty."""
    given = os.environ.get("HOLDFAST_PARITY_URL")
    if given:
        yield given
        return
    with scratch.scratch() as server:
        ours.load_schema(server, "ours")
        yield server.url("ours")


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
    stored = recorded.read_lines("sequences.jsonl.gz")
    refused = [a for s in stored for a in s["answers"] if isinstance(a, dict)]
    assert len(stored) >= 600
    assert sum(len(s["statements"]) for s in stored) >= 15000
    assert {a["refused"] for a in refused} >= {"23502", "23503", "23505", "23514", "22P02", "428C9", "P0002"}
    changed = {name for s in stored for c in s["changed"] for name in c}
    assert changed == set(state.TABLES + state.VIEWS), "every table and view must have been seen to change"


def test_sequences_leave_what_they_left_upstream(url):
    stored = recorded.read_lines("sequences.jsonl.gz")

    async def replay(conn):
        player = sequences.Player(conn)
        return [line for s in stored for line in sequences.differences(s, await player.play(s))]

    said = on(url, replay)
    assert not said, f"{len(said)} lines differ:\n" + "\n".join(said[:30])


def test_comparison_notices():
    """The comparison itself: a wrong answer, a wrong change and a wrong column are all reported."""
    good = next(s for s in recorded.read_lines("sequences.jsonl.gz") if len(s["changed"][0]) > 0)
    assert sequences.differences(good, good) == []
    for part, wrong in (("answers", "INSERT 0 7"), ("changed", {"run": "00000000"})):
        assert sequences.differences(good, {**good, part: [wrong, *good[part][1:]]})
    assert sequences.differences(good, {**good, "state": {**good["state"], "worker": [["w", "p", None]]}})
    theirs, mine = (recorded.read_json("schema-catalog.json") for _ in range(2))
    mine["tables"]["run"]["columns"].reverse()
    assert any("columns are" in line for line in catalog.compare(theirs, mine))
