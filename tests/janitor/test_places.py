"""janitor-places: an item's place from counts that triggers keep is what counting all that is ahead says.

The statement is the one that hf_queue_position() sends; the truth is the view queue_positions, which the original has.
"""

import pathlib
import random
import re

import pytest

import conftest
from test_schema_semantics import add_change_set

QUERIES = pathlib.Path(__file__).resolve().parents[2] / "sql/queries/janitor/queue.sql"
SET = "janitor-places"
CODEBASES, STEPS = 60, 400
BUCKETS = ("update-existing-mp", "manual", "default")
DURATIONS = ("NULL", "'7 s'", "'3 days 1 s'", "'-2 s'")


def statement():
    """queue_position as it is sent."""
    text = re.search(r"-- name: queue_position :opt\n(.*?;)\n", QUERIES.read_text(), re.S)[1]
    return text.replace(":codebase", "$1").replace(":campaign", "$2")


POSITION = statement()
TRUTH = """SELECT id, position, wait_time FROM queue_positions WHERE codebase = $1 AND suite = 'fixes'
           ORDER BY position LIMIT 1"""


def apply(db):
    for migration in conftest.migrations(SET):
        migration.up(db)
        assert verified(db)


def revert(db):
    for migration in conftest.migrations(SET):
        migration.down(db)
    assert db.value("SELECT count(*) FROM holdfast.queue_span") == 0


def verified(db):
    (migration,) = conftest.migrations(SET)
    return migration.verify(db)


def same(db, number):
    name = f"cb{number}"
    assert db.rows(POSITION, name, "fixes") == db.rows(TRUTH, name), name


def same_everywhere(db):
    for number in range(0, CODEBASES, 7):
        same(db, number)


@pytest.fixture
def queue(db):
    """A database with codebases to queue."""
    db.execute(f"INSERT INTO codebase (name) SELECT 'cb' || n FROM generate_series(0, {CODEBASES - 1}) AS n")
    add_change_set(db, "cs")
    return db


def add(db, number, priority, **values):
    row = {"codebase": f"cb{number}", "suite": "fixes", "priority": priority, **values}
    db.execute(f"INSERT INTO queue ({', '.join(row)}) VALUES ({', '.join(f'${n + 1}' for n in range(len(row)))})",
               *row.values())


def write(dice, db):
    """One write, by chance."""
    number, bucket, duration = dice.randrange(CODEBASES), dice.choice(BUCKETS), dice.choice(DURATIONS)
    priority = dice.randint(-1000, 1000)
    db.execute(dice.choice((
        f"INSERT INTO queue (codebase, suite, bucket, priority, estimated_duration, change_set) VALUES ('cb{number}', 'fixes',"
        f" '{bucket}', {priority}, {duration}, {dice.choice(('NULL', 'NULL', chr(39) + 'cs' + chr(39)))}) ON CONFLICT DO NOTHING",
        f"DELETE FROM queue WHERE codebase = 'cb{number}'",
        f"UPDATE queue SET priority = priority + {priority}, bucket = '{bucket}' WHERE codebase = 'cb{number}'",
        f"UPDATE queue SET estimated_duration = {duration} WHERE bucket = '{bucket}'",
        f"INSERT INTO queue (codebase, suite, priority) SELECT 'cb' || n, 'fixes', n * 37 FROM generate_series(0, {number}) AS n"
        " ON CONFLICT (codebase, suite, coalesce(change_set, '')) DO UPDATE SET priority = excluded.priority - 5",
        "TRUNCATE queue" if dice.random() < 0.05 else "DELETE FROM queue WHERE false")))


def test_without_it_all_is_counted(queue):
    dice = random.Random(7)
    for _ in range(60):
        write(dice, queue)
        same_everywhere(queue)


def test_random_writes_are_counted(queue, record_property):
    seed = random.SystemRandom().randrange(1 << 32)
    record_property("seed", seed)
    print(f"seed {seed}")
    dice = random.Random(seed)
    write(dice, queue)
    apply(queue)
    for step in range(STEPS):
        if dice.random() < 0.3:
            queue.execute(dice.choice(("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ")))
            write(dice, queue)
            queue.execute("SAVEPOINT here")
            write(dice, queue)
            queue.execute(dice.choice(("ROLLBACK TO here", "RELEASE here")))
            write(dice, queue)
            queue.execute(dice.choice(("COMMIT", "ROLLBACK")))
        else:
            write(dice, queue)
        same(queue, dice.randrange(CODEBASES))
        if step % 50 == 0:
            assert verified(queue), f"step {step}"
            same_everywhere(queue)
    assert verified(queue)
    revert(queue)
    same_everywhere(queue)


def test_writers_wait_for_nobody(queue, cluster):
    """Each would wait for the other, in turn, if a stretch of priorities were taken by the first who writes to it."""
    add(queue, 0, 0)
    add(queue, 1, 1000)
    apply(queue)
    other = cluster.connect(queue.name)
    for db in (queue, other):
        db.execute("SET lock_timeout = '10s'; BEGIN")
    add(queue, 2, 1)
    add(other, 3, 1001)
    add(queue, 4, 1002)
    add(other, 5, 2)
    for db in (queue, other):
        same_everywhere(db)
    other.execute("COMMIT")
    same_everywhere(queue)
    queue.execute("COMMIT")
    same_everywhere(other)
    assert verified(queue)
    add(queue, 6, 1003)
    assert queue.value("SELECT count(*) FROM holdfast.queue_span WHERE span = 3") == 2  # no more than wrote at a time
    other.close()


def test_repeatable_read_does_not_fail_for_it(queue, cluster):
    add(queue, 0, 0)
    apply(queue)
    other = cluster.connect(queue.name)
    other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM queue")
    add(queue, 1, 1)
    add(other, 2, 2)
    same_everywhere(other)
    other.execute("COMMIT")
    other.close()
    assert verified(queue)
    same_everywhere(queue)


def test_who_writes_to_the_queue_needs_no_rights_here(queue):
    apply(queue)
    queue.execute("CREATE ROLE places_writer; GRANT SELECT, INSERT, UPDATE, DELETE ON queue, codebase TO places_writer;"
                  "GRANT USAGE ON SEQUENCE queue_id_seq TO places_writer; SET ROLE places_writer")
    add(queue, 2, 1)
    queue.execute("UPDATE queue SET priority = 5000")
    queue.execute("RESET ROLE; DROP OWNED BY places_writer; DROP ROLE places_writer")
    assert verified(queue)
    same(queue, 2)


def test_what_was_written_past_it_is_found(queue):
    apply(queue)
    queue.execute("ALTER TABLE queue DISABLE TRIGGER USER")
    add(queue, 2, 1)
    same(queue, 2)  # nothing is taken from counts that nobody keeps
    queue.execute("ALTER TABLE queue ENABLE ALWAYS TRIGGER queue_spans_insert; ALTER TABLE queue ENABLE ALWAYS TRIGGER "
                  "queue_spans_delete; ALTER TABLE queue ENABLE ALWAYS TRIGGER queue_spans_update; "
                  "ALTER TABLE queue ENABLE ALWAYS TRIGGER queue_spans_truncate")
    assert not verified(queue)
    revert(queue)
    apply(queue)
    same(queue, 2)


def test_it_does_not_read_the_whole_queue(queue):
    queue.execute("""INSERT INTO codebase (name) SELECT 'x' || n FROM generate_series(1, 20000) AS n;
                     INSERT INTO queue (codebase, suite, priority) SELECT 'x' || n, 'fixes', n * 7919 % 20011 FROM
                     generate_series(1, 20000) AS n""")
    add(queue, 0, 30000)
    apply(queue)
    queue.execute("ANALYZE queue; ANALYZE holdfast.queue_span")
    plan = "\n".join(queue.column(
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) " + POSITION.replace("$1", "'cb0'").replace("$2", "'fixes'")))
    read = [int(n) for n in re.findall(r"Scan.*\(actual rows=(\d+)", plan)]
    assert read and sum(read) < 500, plan
    same(queue, 0)
