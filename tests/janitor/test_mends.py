"""The sets janitor-dNN, each of which mends one defect of the original that lives in triggers or views.

Each is shown four ways: the defect before, the right answer after, exactly the old catalog after the way down, in any
company and order; and the Python side's writes (tests/data/janitor, recorded) go on to work.
"""

import asyncio
import itertools
import random

import asyncpg
import pytest

import catalog
import conftest
import recorded
import sequences
import state as contents
from test_schema_semantics import (MINUTE, T0, UNDEFINED_ROW, add_branch, add_candidate, add_change_set, add_codebase,
                                   add_publish, add_run, last_run, state)

MENDS = sorted(path.name for path in conftest.MIGRATIONS.glob("janitor-d[0-9][0-9]"))
COMMENTS = """
SELECT pg_describe_object(classoid, objoid, objsubid), description FROM pg_description WHERE objoid >= 16384 ORDER BY 1
"""
# Beyond the catalog that is compared with the original's: bodies, rights, owners, what hangs on what.
DEFINITIONS = """
SELECT 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid) || coalesce(p.proacl::text, '') || p.proowner::text
FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang WHERE l.lanname = 'plpgsql'
UNION ALL
SELECT 'view', c.oid::regclass::text, pg_get_viewdef(c.oid) || coalesce(c.relacl::text, '') || c.relowner::text
FROM pg_class AS c WHERE c.relkind = 'v' AND c.relnamespace IN ('public'::regnamespace, 'holdfast'::regnamespace)
UNION ALL
SELECT 'trigger', t.tgname, pg_get_triggerdef(t.oid) || t.tgenabled::text FROM pg_trigger AS t WHERE NOT t.tgisinternal
ORDER BY 1, 2
"""
STORED = recorded.read_lines("sequences.jsonl.gz")
CHUNK = 100


def up(db, *names):
    for name in names:
        for migration in conftest.migrations(name):
            migration.up(db)
            assert migration.verify(db) is True, migration.path


def down(db, *names):
    for name in names:
        for migration in reversed(conftest.migrations(name)):
            migration.down(db)


def whole(db):
    return db.call(catalog.read), db.rows(COMMENTS), db.rows(DEFINITIONS)


@pytest.fixture
def foo(db):
    add_codebase(db)
    return db


# The shape of all

def test_there_are_the_seven():
    assert MENDS == [f"janitor-d{n:02}" for n in (4, 5, 6, 7, 8, 65, 71)]
    for name in MENDS:
        for migration in conftest.migrations(name):
            assert migration.preamble.startswith("-- migrate: tx=yes adopt=no needs=janitor:"), migration.path
            assert list(migration.sections) == ["up", "verify", "down"], migration.path


@pytest.mark.parametrize("name", MENDS)
def test_verify_tells_and_down_restores_exactly(db, name):
    before = whole(db)
    (migration,) = conftest.migrations(name)
    assert migration.verify(db) is False
    up(db, name)
    assert whole(db) != before
    down(db, name)
    assert whole(db) == before
    assert migration.verify(db) is False


@pytest.mark.parametrize("first, second", itertools.permutations(MENDS, 2))
def test_two_in_any_order_do_not_disturb_each_other(db, first, second):
    up(db, first)
    alone = whole(db)
    up(db, second)
    both = whole(db)
    down(db, first)
    up(db, first)
    assert whole(db) == both
    down(db, second)
    assert whole(db) == alone


def test_all_in_any_order(db):
    before = whole(db)
    seen = []
    for seed in range(6):
        dice = random.Random(seed)
        up(db, *dice.sample(MENDS, len(MENDS)))
        seen.append(whole(db))
        down(db, *dice.sample(MENDS, len(MENDS)))
        assert whole(db) == before, f"seed {seed}"
    assert all(one == seen[0] for one in seen)


def test_a_function_of_another_name_and_rights_stay(db):
    """A database that the original made has functions of its own behind the triggers, and roles that may look."""
    db.execute("ALTER FUNCTION new_result_branch_trigger_refresh_change_set_state() RENAME TO "
               "\"As the original calls it\"")
    db.execute("GRANT SELECT ON first_run_time TO pg_monitor; CREATE VIEW firsts AS SELECT * FROM first_run_time")
    before = whole(db)
    up(db, *MENDS)
    assert db.value("SELECT has_table_privilege('pg_monitor', 'first_run_time', 'SELECT')")
    down(db, *MENDS)
    assert whole(db) == before


# One by one: before, and after

def mended(db, name, act):
    """(what `act` gives as it is, what it gives mended): act(db) returns an answer and is rolled back."""
    answers = []
    for names in ((), (name,)):
        db.execute("BEGIN")
        up(db, *names)
        answers.append(act(db))
        db.execute("ROLLBACK")
    return tuple(answers)


def test_d04_a_branch_after_its_run_is_open_work(foo):
    def act(db):
        add_run(db, "r1")
        add_branch(db, "r1")
        return last_run(db)

    assert mended(foo, "janitor-d04", act) == (("r1", "r1", None), ("r1", "r1", "r1"))


def test_d05_a_landed_branch_is_inserted(foo):
    add_run(foo, "r1")
    assert foo.refused("INSERT INTO new_result_branch (run_id, role, absorbed) VALUES ('r1', 'main', true)").sqlstate \
        == UNDEFINED_ROW
    up(foo, "janitor-d05")
    foo.execute("UPDATE change_set SET state = 'created'")
    add_branch(foo, "r1", absorbed=True)
    assert state(foo, "r1") == "ready"
    foo.execute("UPDATE change_set SET state = 'created'")
    add_branch(foo, "r1", "extra", absorbed=False)
    add_branch(foo, "r1", "more", absorbed=None)
    assert state(foo, "r1") == "created"
    foo.execute("UPDATE new_result_branch SET absorbed = true WHERE role = 'extra'")  # the original's still hears
    assert state(foo, "r1") == "ready"


def test_d06_the_last_run_makes_its_change_set_ready(foo):
    def act(db):
        add_change_set(db, "cs")
        add_candidate(db, change_set="cs")
        add_run(db, "r1", change_set="cs")
        return state(db, "cs")

    assert mended(foo, "janitor-d06", act) == ("working", "ready")


def test_d06_the_last_branch_ends_its_change_set(foo):
    """With a branch of which nobody knows, the run has to leave last_run before its change set is looked at."""
    def act(db):
        add_run(db, "cs", revision="x")
        add_branch(db, "cs")
        add_branch(db, "cs", "extra", absorbed=None)
        db.execute("UPDATE run SET publish_status = 'approved'")
        add_publish(db, "cs")
        db.execute("UPDATE new_result_branch SET absorbed = true WHERE role = 'main'")
        return state(db, "cs")

    assert mended(foo, "janitor-d06", act) == ("publishing", "done")


@pytest.mark.parametrize("before, after, theirs, ours", [
    (True, False, None, "r1"), (None, True, None, None), (True, None, None, "r1"), (False, None, "r1", "r1"),
    (None, False, None, "r1"), (False, True, None, None)])
def test_d07_each_change_of_absorbed_is_noticed(foo, before, after, theirs, ours):
    def act(db):
        add_run(db, "r1")
        add_branch(db, "r1", absorbed=False)
        db.execute("UPDATE new_result_branch SET absorbed = $1", before)
        db.execute("UPDATE run SET description = 'touched'")
        db.execute("UPDATE new_result_branch SET absorbed = $1", after)
        return last_run(db)[2]

    assert mended(foo, "janitor-d07", act) == (theirs, ours)


def test_d07_unknown_is_open_work(foo):
    def act(db):
        add_run(db, "r1")
        add_branch(db, "r1", absorbed=None)
        db.execute("UPDATE run SET description = 'touched'")
        return last_run(db), db.column("SELECT id FROM last_unabsorbed_runs")

    assert mended(foo, "janitor-d07", act) == ((("r1", "r1", None), []), (("r1", "r1", "r1"), ["r1"]))


@pytest.mark.parametrize("result_code, found", [("nothing-to-do", None), ("boom", "r1"), ("success", "r1")])
def test_d07_asks_for_branches_of_a_success_only(foo, result_code, found):
    up(foo, "janitor-d07")
    add_run(foo, "r1", result_code=result_code)
    add_branch(foo, "r1", absorbed=None)
    foo.execute("UPDATE run SET description = 'touched'")
    assert last_run(foo) == ("r1", "r1", found)
    add_run(foo, "r2", 2, result_code="nothing-new-to-do", resume_from="r1")
    assert last_run(foo) == ("r2", "r1", "r1")  # what it resumed counts as a success, whatever it was
    foo.execute("DELETE FROM new_result_branch")
    assert last_run(foo) == ("r2", "r1", None)


def test_d07_a_branch_that_moves_or_goes_away(foo):
    def act(db):
        for minute, (id, suite) in enumerate((("one", "fixes"), ("two", "other"))):
            add_run(db, id, minute, suite=suite)
        add_branch(db, "one")
        db.execute("UPDATE run SET description = 'touched'")
        db.execute("UPDATE new_result_branch SET run_id = 'two'")
        moved = last_run(db)[2], last_run(db, campaign="other")[2]
        db.execute("UPDATE run SET description = 'again'")
        db.execute("DELETE FROM new_result_branch")
        return moved, last_run(db, campaign="other")[2]

    assert mended(foo, "janitor-d07", act) == ((("one", None), "two"), ((None, "two"), None))


def test_d07_the_change_set_hears_of_unknown_branches(foo):
    def act(db):
        add_run(db, "cs")
        add_branch(db, "cs", absorbed=None)
        db.execute("UPDATE change_set SET state = 'created'")
        db.execute("UPDATE new_result_branch SET absorbed = true")
        return state(db, "cs")

    assert mended(foo, "janitor-d07", act) == ("created", "ready")


def test_d07_a_run_goes_away_with_its_branches(foo):
    up(foo, "janitor-d07")
    add_run(foo, "r1")
    for role, absorbed in (("a", True), ("b", False), ("c", None)):
        add_branch(foo, "r1", role, absorbed=False)
        foo.execute("UPDATE new_result_branch SET absorbed = $1 WHERE role = $2", absorbed, role)
    foo.execute("DELETE FROM last_run")
    foo.execute("DELETE FROM run")
    assert foo.value("SELECT count(*) FROM new_result_branch") == 0


def test_d08_the_first_run_is_the_first(foo):
    for number, minute in enumerate((5, 3, 9, 1, 7)):
        add_run(foo, f"r{number}", minute)
    add_run(foo, "none", start_time=None, suite="other")
    up(foo, "janitor-d08")
    assert foo.rows("SELECT * FROM first_run_time ORDER BY suite") == [
        ("foo", "fixes", T0 + MINUTE), ("foo", "other", None)]


def test_d08_before_it_was_any(foo):
    """In order of insertion here, which nobody promises: that it is not always the first is all there is to show."""
    for number, minute in enumerate((5, 3, 9, 1, 7)):
        add_run(foo, f"r{number}", minute)
    foo.execute("SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off")
    assert foo.value("SELECT start_time FROM first_run_time") != T0 + MINUTE


@pytest.mark.parametrize("column, value", [("codebase", "bar"), ("suite", "other")])
def test_d65_a_run_leaves_its_old_pair(foo, column, value):
    add_codebase(foo, "bar")

    def act(db):
        add_run(db, "r0", -1, result_code="boom")
        add_run(db, "r1")
        db.execute(f"UPDATE run SET {column} = $1 WHERE id = 'r1'", value)
        pair = ("bar", "fixes") if column == "codebase" else ("foo", "other")
        return last_run(db), last_run(db, *pair)

    right = ("r1", "r1", None)
    assert mended(foo, "janitor-d65", act) == ((right, right), (("r0", "r0", "r0"), right))


def test_d65_the_pair_without_runs_goes_away(foo):
    def act(db):
        add_run(db, "r1")
        db.execute("UPDATE run SET suite = 'other'")
        return last_run(db)

    assert mended(foo, "janitor-d65", act) == (("r1", "r1", None), None)


def published_unheard(db, *rows):
    db.execute("ALTER TABLE publish DISABLE TRIGGER USER")
    for change_set, id, code in rows:
        add_publish(db, change_set, id=id, result_code=code)
    db.execute("ALTER TABLE publish ENABLE TRIGGER USER")


@pytest.mark.parametrize("act_sql", ["UPDATE publish SET change_set = 'two' WHERE id = 'moves'",
                                     "DELETE FROM publish WHERE id = 'moves'"])
def test_d71_a_publication_that_leaves_is_noticed(foo, act_sql):
    def act(db):
        for id in ("one", "two"):
            add_run(db, id)
        published_unheard(db, ("one", "stays", "success"), ("one", "moves", "success"))
        db.execute(act_sql)
        return state(db, "one")

    assert mended(foo, "janitor-d71", act) == ("ready", "done")


def test_d71_a_failed_one_that_leaves_is_not(foo):
    def act(db):
        for id in ("one", "two"):
            add_run(db, id)
        published_unheard(db, ("one", "stays", "success"), ("one", "moves", "failed"))
        db.execute("UPDATE publish SET change_set = 'two' WHERE id = 'moves'")
        db.execute("DELETE FROM publish WHERE id = 'moves'")
        return state(db, "one")

    assert mended(foo, "janitor-d71", act) == ("ready", "ready")


# The Python side

@pytest.fixture(scope="module")
def mended_url(cluster, template):
    """A database with all mends that these tests may fill and empty."""
    name = cluster.create(template)
    database = cluster.connect(name)
    up(database, *MENDS)
    database.close()
    yield cluster.server.url(name)
    cluster.drop(name)


async def on(url, work):
    conn = await asyncpg.connect(url)
    try:
        return await work(conn)
    finally:
        await conn.close()


def is_refused(answer):
    return isinstance(answer, dict)


# What mends may change: last_run, the state of change sets, the branches that could not be stored, and what shows them.
TOUCHED = {"last_run", "change_set", "new_result_branch", "change_set_todo", "change_set_unpublished", "first_run_time",
           "last_effective_runs", "last_runs", "last_unabsorbed_runs", "publish_ready"}


def complaints(was, now):
    """What a program that worked before would complain of, up to the first statement that only works now: a landed
    branch (D-05), a run that a stale row of last_run held (D-65)."""
    for number, sql in enumerate(was["statements"]):
        theirs, ours = was["answers"][number], now["answers"][number]
        where = f"{was['sequence']} statement {number} ({sql})"
        if is_refused(theirs) and not is_refused(ours):
            assert theirs["refused"] == UNDEFINED_ROW or theirs["by"].startswith("last_run_"), where
            return
        if "last_run SET" in sql or "FROM last_run" in sql:  # has other rows to find
            continue
        if is_refused(ours) and ours != theirs:
            yield f"{where}: {ours}, before {theirs}"
        elif not sql.startswith("SELECT") and ours != theirs:
            yield f"{where}: answered {ours}, before {theirs}"
        changed = was["changed"][number], now["changed"][number]
        others = {name for one in changed for name in one if changed[0].get(name) != changed[1].get(name)} - TOUCHED
        if others:
            yield f"{where}: {sorted(others)} changed otherwise"


@pytest.mark.parametrize("first", range(0, len(STORED), CHUNK))
def test_the_recorded_writes_go_on_to_work(mended_url, first):
    async def replay(conn):
        player = sequences.Player(conn)
        return [line for s in STORED[first:first + CHUNK] for line in complaints(s, await player.play(s))]

    said = asyncio.run(on(mended_url, replay))
    assert not said, f"{len(said)} complaints:\n" + "\n".join(said[:30])


# A pair whose newest run resumes one of another pair is left out: branches of that one are news for its own pair only.
STALE = """
CREATE VIEW pg_temp.rows AS
SELECT l::text AS said FROM public.last_run AS l LEFT JOIN public.run AS r ON r.id = l.last_effective_run_id
WHERE r.id IS NULL OR (r.codebase, r.suite) = (l.codebase, l.campaign);
CREATE FUNCTION pg_temp.stale() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    before text[] := ARRAY(SELECT said FROM pg_temp.rows);
    after text[];
BEGIN
    PERFORM public.refresh_last_run(codebase, suite) FROM (
        SELECT codebase, suite FROM public.run UNION SELECT codebase, campaign FROM public.last_run) AS pairs;
    after := ARRAY(SELECT said FROM pg_temp.rows);
    RETURN ARRAY(SELECT unnest(before) EXCEPT SELECT unnest(after)) || ARRAY(SELECT unnest(after) EXCEPT SELECT unnest(before));
END
$$
"""


async def stale_rows(conn, sequence, loader):
    """The first statement after which last_run is not what its own rules say; None where all were."""
    await loader.empty()
    for sql in sequence["statements"]:
        await sequences.statement(conn, sql)
        if "last_run" in sql or "session_replication_role" in sql or "TRIGGER" in sql:
            return None
        stale = await conn.fetchval("SELECT pg_temp.stale()")
        if stale:
            return f"{sequence['sequence']}: after {sql}: {stale}"
    return None


def test_last_run_never_lags(mended_url, cluster, template):
    """With all mends no write of the recorded sequences leaves last_run behind; without, some do."""
    some = [s for s in STORED if not s["ties"]][::2]

    async def look(conn):
        await conn.execute(STALE)
        loader = sequences.fixture.Loader(conn)
        return [line for line in [await stale_rows(conn, s, loader) for s in some] if line]

    said = asyncio.run(on(mended_url, look))
    assert not said, f"{len(said)}:\n" + "\n".join(said[:20])
    name = cluster.create(template)
    assert len(asyncio.run(on(cluster.server.url(name), look))) > 20
    cluster.drop(name)


def test_mends_change_what_they_are_for(mended_url):
    """The comparison itself: the recorded sequences do meet the defects."""
    async def replay(conn):
        player = sequences.Player(conn)
        return [s["sequence"] for s in STORED[::5] if sequences.differences(s, await player.play(s))]

    assert len(asyncio.run(on(mended_url, replay))) > 10
    assert TOUCHED <= set(contents.TABLES + contents.VIEWS)
