"""What the server does to find an item of the queue: the next one by an index in serving order, without sorting; one by its
id by the index of the set janitor-ids, without reading the queue."""

import pathlib
import re

import pytest

import conftest

QUERIES = pathlib.Path(__file__).resolve().parents[2] / "sql/queries/janitor/queue.sql"
SET = "janitor-ids"
ITEMS = 20000


@pytest.fixture
def queue(db):
    db.execute(f"""INSERT INTO codebase (name) SELECT 'cb' || n FROM generate_series(1, {ITEMS}) AS n;
                   INSERT INTO queue (codebase, suite, priority) SELECT 'cb' || n, 'fixes', n * 7919 % 20011
                     FROM generate_series(1, {ITEMS}) AS n;
                   ANALYZE queue""")
    return db


def plan(db, name, blocks=(), **inputs):
    """What the server does for one of our statements, as it is sent with these optional blocks."""
    text = re.search(rf"-- name: {name} :\w+\n(.*?;)\n", QUERIES.read_text() + "\n", re.S)[1]
    text = re.sub(r"(?m)^\s*--.*\n", "", text)
    text = re.sub(r"/\*\? (\w+) \*/(.*?)/\*\?\*/", lambda m: m[2] if m[1] in blocks else "", text, flags=re.S)
    for key in sorted(inputs, key=len, reverse=True):
        text = re.sub(rf"(?<!:):{key}\b", lambda _, key=key: inputs[key], text)
    return "\n".join(db.column("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) " + text if name == "queue_next" else
                               "EXPLAIN (COSTS OFF) " + text))


@pytest.mark.parametrize("assigned", (0, 500))
def test_the_next_is_found_by_an_index_in_serving_order(queue, assigned):
    queue.execute("VACUUM queue")
    ids = queue.column(f"SELECT id FROM queue ORDER BY bucket, priority, id LIMIT {assigned}") or [1]
    bits = bytearray((max(ids) - min(ids)) // 8 + 1)
    for number in ids if assigned else ():
        bits[(number - min(ids)) // 8] |= 1 << (number - min(ids)) % 8
    found = plan(queue, "queue_next", ["assigned"], assigned=f"'\\x{bits.hex()}'::bytea", assigned_first=str(min(ids)),
                 assigned_last=str(max(ids)), assigned_others="'{}'::integer[]")
    assert "Index Only Scan using queue_bucket_priority_id_idx" in found and "Sort" not in found, found
    assert int(re.search(r"Rows Removed by Filter: (\d+)", found)[1] if assigned else 0) == assigned, found


@pytest.mark.parametrize("name", ("queue_item", "queue_delete"))
def test_an_item_is_found_by_its_id(queue, name):
    (migration,) = conftest.migrations(SET)
    assert not migration.verify(queue) and "queue_id_idx" not in plan(queue, name, id="77")
    migration.up(queue)
    assert migration.verify(queue)
    found = plan(queue, name, id="77")
    assert "queue_id_idx" in found and "Seq Scan" not in found, found
    migration.down(queue)
    assert not migration.verify(queue) and "queue_id_idx" not in plan(queue, name, id="77")


def test_an_index_of_another_column_is_not_taken_for_it(queue):
    (migration,) = conftest.migrations(SET)
    queue.execute("CREATE INDEX queue_id_idx ON queue (priority)")
    assert not migration.verify(queue)


def test_two_items_of_one_id_stay_possible(queue):
    """The Janitor's table has no key on ids; ours adds none."""
    (migration,) = conftest.migrations(SET)
    migration.up(queue)
    queue.execute("INSERT INTO queue (id, codebase, suite) VALUES (77, 'cb1', 'other')")
    assert queue.value("SELECT count(*) FROM queue WHERE id = 77") == 2
