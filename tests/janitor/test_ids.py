"""janitor-ids: an item of the queue is found by its id without reading the queue."""

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


def plan(db, name):
    """What the server does for one of our statements, as it is sent."""
    text = re.search(rf"-- name: {name} :\w+\n(.*?;)\n", QUERIES.read_text() + "\n", re.S)[1]
    return "\n".join(db.column("EXPLAIN (COSTS OFF) " + re.sub(r"(?m)^--.*\n", "", text).replace(":id", "77")))


@pytest.mark.parametrize("name", ("queue_item", "queue_delete"))
def test_an_item_is_found_by_its_id(queue, name):
    (migration,) = conftest.migrations(SET)
    assert not migration.verify(queue) and "queue_id_idx" not in plan(queue, name)
    migration.up(queue)
    assert migration.verify(queue)
    found = plan(queue, name)
    assert "queue_id_idx" in found and "Seq Scan" not in found, found
    migration.down(queue)
    assert not migration.verify(queue) and "queue_id_idx" not in plan(queue, name)


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
