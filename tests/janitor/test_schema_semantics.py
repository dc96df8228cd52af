"""What the Janitor's schema does: checks, host extraction, views, functions, triggers.

The rules are those of the original, its faults included; a test that pins a fault says so.
"""

from datetime import datetime, timedelta

import asyncpg
import pytest

T0 = datetime(2024, 3, 1, 12, 0, 0)
MINUTE = timedelta(minutes=1)
UNDEFINED_ROW = "P0002"
CHECK, FOREIGN_KEY, UNIQUE, NOT_NULL, BAD_LABEL = "23514", "23503", "23505", "23502", "22P02"


def insert(db, table, **values):
    """Insert one row; the server infers every type from the column."""
    names = ", ".join(values)
    places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    db.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *values.values())


def add_codebase(db, name="foo"):
    insert(db, "codebase", name=name)


def add_change_set(db, id, campaign="fixes"):
    insert(db, "change_set", id=id, campaign=campaign)


def add_run(db, id, minute=0, change_set=None, codebase="foo", suite="fixes", result_code="success", **values):
    """A run; its change set of the same name is made when none is given."""
    if change_set is None:
        change_set = id
        add_change_set(db, id, suite)
    row = dict(id=id, change_set=change_set, codebase=codebase, suite=suite, result_code=result_code,
               start_time=T0 + minute * MINUTE, logfilenames=[])
    insert(db, "run", **{**row, **values})


def add_branch(db, run_id, role="main", **values):
    insert(db, "new_result_branch", run_id=run_id, role=role, **values)


def add_candidate(db, codebase="foo", suite="fixes", command="fix", **values):
    insert(db, "candidate", codebase=codebase, suite=suite, command=command, **values)


def add_publish(db, change_set, id="p", result_code="success", **values):
    row = dict(id=id, change_set=change_set, result_code=result_code, target_branch_url="https://h/t", mode="push")
    insert(db, "publish", **{**row, **values})


def last_run(db, codebase="foo", campaign="fixes"):
    """(last, effective, unabsorbed) of a pair, None without a row."""
    rows = db.rows("SELECT last_run_id, last_effective_run_id, last_unabsorbed_run_id FROM last_run "
                   "WHERE codebase = $1 AND campaign = $2", codebase, campaign)
    return rows[0] if rows else None


def state(db, change_set):
    return db.value("SELECT state FROM change_set WHERE id = $1", change_set)


@pytest.fixture
def foo(db):
    """A database with the codebase foo in it."""
    add_codebase(db)
    return db


# Domains and checks

DOMAINS = ["codebase_name", "suite_name", "campaign_name"]


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", ["ab", "a,b", "a+b", "a.b", "a-b", "0a", "a-", "a" * 300, None])
def test_names_accepted(still, domain, name):
    assert still.value(f"SELECT $1::text::{domain}::text", name) == name


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", ["", "a", "a_b", "A1", "-a", "+a", "a b", "a/b", "é1", "aé", "ab\n", "\nab", "a~b", "a*b"])
def test_names_refused(still, domain, name):
    error = still.refused(f"SELECT $1::text::{domain}", name)
    assert (error.sqlstate, error.constraint_name) == (CHECK, f"{domain}_check")


def test_codebase_needs_a_name_or_a_url(db):
    error = db.refused("INSERT INTO codebase (value) VALUES (1)")
    assert (error.sqlstate, error.constraint_name) == (CHECK, "codebase_check")


@pytest.mark.parametrize("values", ["'https://h/x', NULL", "NULL, 'https://h/x'"])
def test_codebase_urls_come_together(db, values):
    error = db.refused(f"INSERT INTO codebase (name, branch_url, url) VALUES ('foo', {values})")
    assert (error.sqlstate, error.constraint_name) == (CHECK, "codebase_check1")


def test_codebase_location_is_unique_when_the_subpath_is_known(db):
    for _ in range(2):
        insert(db, "codebase", branch_url="https://h/x", url="https://h/x")
    insert(db, "codebase", branch_url="https://h/x", url="https://h/x", subpath="")
    error = db.refused("INSERT INTO codebase (branch_url, url, subpath) VALUES ('https://h/x', 'https://h/x', '')")
    assert (error.sqlstate, error.constraint_name) == (UNIQUE, "codebase_branch_url_subpath_key")


@pytest.mark.parametrize("url, host", [
    ("https://host", "host"),
    ("https://host,branch=x", "host,branch=x"),
    ("https://u:p@git.example.com:8080/a", "git.example.com:8080"),
    ("git@host:path", None),
    ("lp:foo", None),
    ("https://a/b?u=http://c/d", "c"),
    ("HTTPS://Host/x", "Host"),
    ("file:///x", ""),
    ("https://a@b@c/x", "b@c"),
    ("https://[::1]:80/x", "[::1]:80"),
    ("://", ""),
    ("a://b://c@d/e", "d"),
    ("https://a/x@y/z", "a"),
    ("https://a\nb/x", "a\nb"),
    ("", None),
])
def test_hostname(db, url, host):
    insert(db, "codebase", branch_url=url, url=url)
    assert db.value("SELECT hostname FROM codebase") == host


def test_hostname_of_no_url(db):
    add_codebase(db)
    assert db.value("SELECT hostname FROM codebase") is None


@pytest.mark.parametrize("values, constraint", [
    (dict(finish_time=T0 - MINUTE), "run_check"),
    (dict(result_code="nothing-new-to-do"), "run_check1"),
    (dict(publish_status="approved"), "run_check2"),
])
def test_run_checks(foo, values, constraint):
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        add_run(foo, "r", **values)
    assert caught.value.constraint_name == constraint


def test_run_times(foo):
    add_run(foo, "equal", finish_time=T0)
    add_run(foo, "open")
    add_run(foo, "long", finish_time=T0 + 90 * MINUTE)
    assert foo.rows("SELECT id, duration FROM run ORDER BY id") == [
        ("equal", timedelta(0)), ("long", 90 * MINUTE), ("open", None)]


def test_run_needs_log_names_a_change_set_and_a_codebase(foo):
    add_change_set(foo, "cs")
    for column in ("logfilenames", "change_set", "codebase", "suite", "result_code"):
        row = dict(id="r", logfilenames=[], change_set="cs", codebase="foo", suite="fixes", result_code="success")
        with pytest.raises(asyncpg.NotNullViolationError) as caught:
            insert(foo, "run", **{**row, column: None})
        assert caught.value.column_name == column


@pytest.mark.parametrize("column, constraint", [
    ("codebase", "run_codebase_fkey"), ("change_set", "run_change_set_fkey"),
    ("worker", "run_worker_fkey"), ("resume_from", "run_resume_from_fkey")])
def test_run_refers_to_what_exists(foo, column, constraint):
    # The foreign key speaks before the triggers that look the change set up.
    add_change_set(foo, "cs")
    with pytest.raises(asyncpg.ForeignKeyViolationError) as caught:
        add_run(foo, "r", **{"change_set": "cs", column: "nobody"})
    assert caught.value.constraint_name == constraint


def test_run_result_is_kept_byte_for_byte(foo):
    text = '{"b": 1,  "a": "\\u00e9", "b": 2}'
    add_run(foo, "r", result=text)
    assert foo.value("SELECT result::text FROM run") == text


def test_queue_has_one_place_per_codebase_campaign_and_change_set(foo):
    add_change_set(foo, "")
    add_change_set(foo, "cs")
    insert(foo, "queue", codebase="foo", suite="fixes", command="x")
    insert(foo, "queue", codebase="foo", suite="fixes", command="x", change_set="cs")
    for change_set in (None, "", "cs"):
        with pytest.raises(asyncpg.UniqueViolationError) as caught:
            insert(foo, "queue", codebase="foo", suite="fixes", command="y", change_set=change_set)
        assert caught.value.constraint_name == "queue_codebase_suite_set"


def test_queue_defaults(foo):
    insert(foo, "queue", codebase="foo", suite="fixes")
    assert foo.row("SELECT id, bucket, command, priority, refresh, change_set FROM queue") == (
        1, "default", None, 0, False, None)


@pytest.mark.parametrize("values, state_, constraint", [
    (dict(command=""), CHECK, "queue_command_check"),
    (dict(suite="Fixes"), CHECK, "suite_name_check"),
    (dict(codebase="bar"), FOREIGN_KEY, "queue_codebase_fkey"),
    (dict(change_set="none"), FOREIGN_KEY, "queue_change_set_fkey"),
    (dict(bucket=None), NOT_NULL, None),
    (dict(bucket="soon"), BAD_LABEL, None),
])
def test_queue_refuses(foo, values, state_, constraint):
    with pytest.raises(asyncpg.PostgresError) as caught:
        insert(foo, "queue", **{**dict(codebase="foo", suite="fixes", command="x"), **values})
    assert (caught.value.sqlstate, caught.value.constraint_name) == (state_, constraint)


@pytest.mark.parametrize("values, constraint", [
    (dict(value=0), "candidate_value_check"),
    (dict(value=-1), "candidate_value_check"),
    (dict(command=""), "candidate_command_check"),
    (dict(suite="x"), "suite_name_check"),
    (dict(publish_policy="none"), "candidate_publish_policy_fkey"),
    (dict(change_set="none"), "candidate_change_set_fkey"),
    (dict(codebase="bar"), "candidate_codebase_fkey"),
])
def test_candidate_refuses(foo, values, constraint):
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
        add_candidate(foo, **values)
    assert caught.value.constraint_name == constraint


def test_candidate_is_unique_per_change_set(foo):
    add_change_set(foo, "cs")
    add_candidate(foo)
    add_candidate(foo, change_set="cs")
    with pytest.raises(asyncpg.UniqueViolationError) as caught:
        add_candidate(foo, value=1)
    assert caught.value.constraint_name in ("candidate_codebase_suite_set", "candidate_codebase_suite_coalesce_idx")


def test_enum_order(still):
    assert still.column("SELECT unnest(enum_range(NULL::queue_bucket))::text") == [
        "update-existing-mp", "manual", "control", "hook", "reschedule", "update-new-mp", "missing-deps", "default"]
    assert still.value("SELECT 'done'::change_set_state > 'publishing'")


def test_deleting_a_codebase_takes_queue_and_candidates_and_unlinks_proposals(foo):
    insert(foo, "queue", codebase="foo", suite="fixes")
    add_candidate(foo)
    insert(foo, "merge_proposal", url="https://h/1", codebase="foo")
    foo.execute("DELETE FROM codebase")
    assert foo.row("SELECT (SELECT count(*) FROM queue), (SELECT count(*) FROM candidate), codebase "
                   "FROM merge_proposal") == (0, 0, None)


def test_review_is_one_per_named_reviewer(foo):
    add_run(foo, "r")
    for reviewer in (None, None, "jelmer"):
        insert(foo, "review", run_id="r", reviewer=reviewer, verdict="approved")
    error = foo.refused("INSERT INTO review (run_id, reviewer, verdict) VALUES ('r', 'jelmer', 'rejected')")
    assert error.sqlstate == UNIQUE


def test_row_types_do_not_enforce_not_null(still):
    assert still.value("SELECT (ROW('main', NULL, NULL, NULL)::result_branch).remote_name IS NULL")
    assert still.value("SELECT (ROW(NULL, NULL, 7)::branch_publish_policy).mode IS NULL")


# last_run: what refresh_last_run decides

def test_last_run_of_success_without_branches(foo):
    add_run(foo, "r1")
    assert last_run(foo) == ("r1", "r1", None)


def test_last_run_of_failure_is_unabsorbed(foo):
    add_run(foo, "r1", result_code="boom")
    assert last_run(foo) == ("r1", "r1", "r1")


def test_last_run_of_nothing_to_do(foo):
    add_run(foo, "r1", result_code="nothing-to-do")
    assert last_run(foo) == ("r1", "r1", None)


def test_last_run_is_the_newest_not_the_last_inserted(foo):
    add_run(foo, "new", 5)
    add_run(foo, "old", 1, result_code="boom")
    assert last_run(foo) == ("new", "new", None)


def test_last_run_without_a_start_time_counts_as_newest(foo):
    add_run(foo, "r1", 5)
    add_run(foo, "r0", start_time=None)
    add_run(foo, "r2", 9)
    assert last_run(foo) == ("r0", "r0", None)


def test_last_run_nothing_new_looks_through_to_what_it_resumed(foo):
    add_run(foo, "r1", 1)
    add_branch(foo, "r1")
    add_run(foo, "r2", 2, result_code="nothing-new-to-do", resume_from="r1")
    assert last_run(foo) == ("r2", "r1", "r1")


def test_last_run_nothing_new_takes_even_a_failure_for_a_success(foo):
    add_run(foo, "r1", 1, result_code="boom")
    add_run(foo, "r2", 2, result_code="nothing-new-to-do", resume_from="r1")
    assert last_run(foo) == ("r2", "r1", None)


def test_last_run_transient_failure_looks_past_itself(foo):
    add_run(foo, "r1", 1)
    add_run(foo, "r2", 2, result_code="nothing-new-to-do", resume_from="r1")
    add_run(foo, "r3", 3, result_code="boom", failure_transient=True)
    assert last_run(foo) == ("r3", "r1", None)
    add_run(foo, "r4", 4, result_code="bang", failure_transient=False)
    add_run(foo, "r5", 5, result_code="boom", failure_transient=True)
    assert last_run(foo) == ("r5", "r4", "r4")


def test_last_run_of_only_transient_failures(foo):
    add_run(foo, "r1", 1, result_code="boom", failure_transient=True)
    add_run(foo, "r2", 2, result_code="boom", failure_transient=True)
    assert last_run(foo) == ("r2", None, None)


def test_last_run_nothing_new_wins_over_transient(foo):
    add_run(foo, "r1", 1)
    add_run(foo, "r2", 2, result_code="nothing-new-to-do", resume_from="r1", failure_transient=True)
    assert last_run(foo) == ("r2", "r1", None)


def test_last_run_is_per_codebase_and_campaign(foo):
    add_codebase(foo, "bar")
    add_run(foo, "r1")
    add_run(foo, "r2", codebase="bar")
    add_run(foo, "r3", suite="other")
    assert foo.rows("SELECT codebase, campaign, last_run_id FROM last_run ORDER BY last_run_id") == [
        ("foo", "fixes", "r1"), ("bar", "fixes", "r2"), ("foo", "other", "r3")]


def test_refresh_of_an_unknown_run_does_nothing(foo):
    foo.execute("SELECT refresh_last_run('nobody')")
    foo.execute("SELECT refresh_last_run(NULL)")
    assert foo.rows("SELECT * FROM last_run") == []


def test_refresh_of_a_pair_without_runs_removes_the_row(foo):
    insert(foo, "last_run", codebase="foo", campaign="fixes")
    foo.execute("SELECT refresh_last_run('foo', 'fixes')")
    assert last_run(foo) is None


# last_run: when the triggers decide it

def test_new_branch_is_not_noticed_until_the_run_is_touched(foo):
    """Fault kept: the runner inserts branches after the run."""
    add_run(foo, "r1")
    add_branch(foo, "r1")
    assert last_run(foo) == ("r1", "r1", None)
    foo.execute("UPDATE run SET publish_status = 'approved', revision = 'x'")
    assert last_run(foo) == ("r1", "r1", "r1")


def touched(db, **absorbed):
    """Run r1 with branches of these roles, looked at by its triggers afterwards."""
    add_run(db, "r1")
    for role, value in absorbed.items():
        add_branch(db, "r1", role, absorbed=False)
        if value is not False:
            db.execute("UPDATE new_result_branch SET absorbed = $1 WHERE role = $2", value, role)
    db.execute("UPDATE run SET description = 'touched'")


def test_absorbing_the_last_branch_clears_unabsorbed(foo):
    touched(foo, main=False, extra=False)
    foo.execute("UPDATE new_result_branch SET absorbed = true WHERE role = 'main'")
    assert last_run(foo) == ("r1", "r1", "r1")
    foo.execute("UPDATE new_result_branch SET absorbed = true WHERE role = 'extra'")
    assert last_run(foo) == ("r1", "r1", None)


def test_unabsorbing_is_not_noticed(foo):
    """Fault kept."""
    touched(foo, main=True)
    foo.execute("UPDATE new_result_branch SET absorbed = false")
    assert last_run(foo) == ("r1", "r1", None)


def test_unknown_absorption_is_not_open_work(foo):
    """Fault kept: the views count the same branch as not absorbed."""
    touched(foo, main=None)
    assert last_run(foo) == ("r1", "r1", None)


def test_from_unknown_to_absorbed_is_not_noticed(foo):
    """Fault kept. A second, open branch makes the missing refresh visible."""
    touched(foo, main=None)
    add_branch(foo, "r1", "extra")
    foo.execute("UPDATE new_result_branch SET absorbed = true WHERE role = 'main'")
    assert last_run(foo) == ("r1", "r1", None)


def test_from_open_to_absorbed_is_noticed(foo):
    touched(foo, main=False)
    foo.execute("DELETE FROM last_run")
    foo.execute("UPDATE new_result_branch SET absorbed = true")
    assert last_run(foo) == ("r1", "r1", None)


def test_deleting_an_absorbed_branch_is_noticed_and_no_other(foo):
    touched(foo, main=True, extra=False, more=None)
    foo.execute("DELETE FROM last_run")
    foo.execute("DELETE FROM new_result_branch WHERE role IN ('extra', 'more')")
    assert last_run(foo) is None
    foo.execute("DELETE FROM new_result_branch WHERE role = 'main'")
    assert last_run(foo) == ("r1", "r1", None)


def test_inserting_an_absorbed_branch_fails(foo):
    """Fault kept: the trigger reads the old row, which an insert does not have."""
    add_run(foo, "r1")
    error = foo.refused("INSERT INTO new_result_branch (run_id, role, absorbed) VALUES ('r1', 'main', true)")
    assert (error.sqlstate, error.args[0]) == (UNDEFINED_ROW, "query returned no rows")
    add_branch(foo, "r1", absorbed=None)
    assert foo.value("SELECT count(*) FROM new_result_branch") == 1


def test_moving_a_run_leaves_the_old_pair_behind(foo):
    """Fault kept."""
    add_codebase(foo, "bar")
    add_run(foo, "r1")
    foo.execute("UPDATE run SET codebase = 'bar'")
    assert last_run(foo, "bar") == ("r1", "r1", None)
    assert last_run(foo, "foo") == ("r1", "r1", None)


@pytest.mark.parametrize("column", ["last_run_id", "last_effective_run_id", "last_unabsorbed_run_id"])
def test_a_run_in_last_run_cannot_be_deleted(foo, column):
    add_run(foo, "r1")
    foo.execute(f"UPDATE last_run SET last_run_id = NULL, last_effective_run_id = NULL")
    foo.execute(f"UPDATE last_run SET {column} = 'r1'")
    error = foo.refused("DELETE FROM run")
    assert (error.sqlstate, error.constraint_name) == (FOREIGN_KEY, f"last_run_{column}_fkey")


def test_deleting_a_run_after_its_row_computes_it_anew(foo):
    add_run(foo, "r1", 1)
    add_run(foo, "r2", 2, result_code="boom")
    foo.execute("DELETE FROM last_run")
    foo.execute("DELETE FROM run WHERE id = 'r2'")
    assert last_run(foo) == ("r1", "r1", None)
    foo.execute("DELETE FROM last_run")
    foo.execute("DELETE FROM run WHERE id = 'r1'")
    assert last_run(foo) is None


def test_deleting_a_run_takes_its_branches(foo):
    touched(foo, main=True, extra=False)
    foo.execute("DELETE FROM last_run")
    foo.execute("DELETE FROM run")
    assert foo.rows("SELECT * FROM new_result_branch") == []
    assert last_run(foo) is None


def test_a_resumed_run_cannot_be_deleted_before_the_one_that_found_nothing_new(foo):
    add_run(foo, "r1", 1)
    add_run(foo, "r2", 2, result_code="nothing-new-to-do", resume_from="r1")
    foo.execute("DELETE FROM last_run")
    error = foo.refused("DELETE FROM run WHERE id = 'r1'")
    assert (error.sqlstate, error.constraint_name) == (CHECK, "run_check1")


def test_deleting_a_resumed_run_unlinks_the_others(foo):
    add_run(foo, "r1", 1)
    add_run(foo, "r2", 2, resume_from="r1")
    foo.execute("DELETE FROM run WHERE id = 'r1'")
    assert foo.value("SELECT resume_from FROM run") is None


# change_set.state

def test_change_set_without_candidates_is_ready_with_its_first_success(foo):
    add_run(foo, "cs", result_code="boom")
    assert state(foo, "cs") == "working"
    add_run(foo, "r2", 1, change_set="cs")
    assert state(foo, "cs") == "ready"


def test_change_set_goes_from_created_to_ready_in_one_statement(foo):
    add_change_set(foo, "cs")
    assert state(foo, "cs") == "created"
    add_run(foo, "r1", change_set="cs")
    assert state(foo, "cs") == "ready"


def test_change_set_lags_behind_its_last_candidate(foo):
    """Fault kept: the state is computed before last_run; any later look at a run makes up for it."""
    add_change_set(foo, "cs")
    add_candidate(foo, change_set="cs")
    add_run(foo, "r1", change_set="cs")
    assert state(foo, "cs") == "working"
    foo.execute("UPDATE run SET description = 'touched'")
    assert state(foo, "cs") == "ready"


def test_change_set_waits_for_every_candidate(foo):
    add_codebase(foo, "bar")
    add_change_set(foo, "cs")
    add_candidate(foo, change_set="cs")
    add_candidate(foo, "bar", change_set="cs")
    add_run(foo, "r1", change_set="cs")
    foo.execute("UPDATE run SET description = 'touched'")
    assert state(foo, "cs") == "working"
    add_run(foo, "r2", codebase="bar", change_set="cs", result_code="nothing-to-do")
    foo.execute("UPDATE run SET description = 'again'")
    assert state(foo, "cs") == "ready"


def test_change_set_of_nothing_to_do_alone_is_never_ready(foo):
    add_run(foo, "cs", result_code="nothing-to-do")
    foo.execute("UPDATE run SET description = 'touched'")
    assert state(foo, "cs") == "working"


def test_publishing_with_nothing_left_is_done_at_once(foo):
    add_run(foo, "cs")
    add_publish(foo, "cs", result_code="failed")
    assert state(foo, "cs") == "ready"
    add_publish(foo, "cs")
    assert state(foo, "cs") == "done"


def test_a_failed_publication_is_no_publication(foo):
    add_run(foo, "cs")
    add_publish(foo, "cs", result_code="failed")
    foo.execute("UPDATE run SET description = 'touched'")
    assert state(foo, "cs") == "ready"


def test_publishing_goes_on_until_every_branch_is_absorbed(foo):
    add_run(foo, "cs", revision="x")
    add_branch(foo, "cs")
    add_branch(foo, "cs", "extra", absorbed=None)
    foo.execute("UPDATE run SET publish_status = 'approved'")
    add_publish(foo, "cs")
    assert state(foo, "cs") == "publishing"
    # NULL is not a change, and the run leaves last_unabsorbed_runs with its last false one: the state is
    # computed before that, so another look at the run is needed.
    foo.execute("UPDATE new_result_branch SET absorbed = true WHERE role = 'main'")
    assert state(foo, "cs") == "publishing"
    foo.execute("UPDATE run SET description = 'touched'")
    assert state(foo, "cs") == "done"


def test_unabsorbing_never_moves_backwards(foo):
    add_run(foo, "cs", revision="x")
    add_branch(foo, "cs")
    foo.execute("UPDATE run SET publish_status = 'approved'")
    add_publish(foo, "cs")
    foo.execute("UPDATE new_result_branch SET absorbed = true")
    assert state(foo, "cs") == "done"
    foo.execute("UPDATE new_result_branch SET absorbed = false")
    foo.execute("UPDATE run SET result_code = 'boom'")
    assert state(foo, "cs") == "done"


def test_publishing_before_ready_counts_later(foo):
    add_change_set(foo, "cs")
    add_publish(foo, "cs")
    assert state(foo, "cs") == "created"
    add_run(foo, "r1", change_set="cs")
    assert state(foo, "cs") == "done"


def test_a_publication_that_fails_later_still_refreshes(foo):
    add_run(foo, "cs")
    foo.execute("ALTER TABLE publish DISABLE TRIGGER USER")
    add_publish(foo, "cs")
    add_publish(foo, "cs", id="q")
    foo.execute("ALTER TABLE publish ENABLE TRIGGER USER")
    foo.execute("UPDATE publish SET result_code = 'failed' WHERE id = 'p'")
    assert state(foo, "cs") == "done"


def test_a_publication_that_moves_refreshes_only_the_new_change_set(foo):
    """Fault kept."""
    foo.execute("ALTER TABLE publish DISABLE TRIGGER USER")
    for cs in ("one", "two"):
        add_run(foo, cs)
        add_publish(foo, cs, id=cs)
    add_publish(foo, "one", id="moves")
    foo.execute("ALTER TABLE publish ENABLE TRIGGER USER")
    foo.execute("UPDATE publish SET change_set = 'two' WHERE id = 'moves'")
    assert (state(foo, "one"), state(foo, "two")) == ("ready", "done")


def test_a_run_that_moves_refreshes_both_change_sets(foo):
    add_change_set(foo, "one")
    add_change_set(foo, "two")
    add_run(foo, "r1", change_set="one", result_code="boom")
    foo.execute("UPDATE change_set SET state = 'created'")
    add_run(foo, "r2", change_set="one", result_code="boom", suite="other")
    foo.execute("UPDATE change_set SET state = 'created'")
    foo.execute("UPDATE run SET change_set = 'two' WHERE id = 'r1'")
    assert (state(foo, "one"), state(foo, "two")) == ("working", "working")


def test_deleting_a_run_refreshes_its_change_set(foo):
    add_change_set(foo, "cs")
    for id, codebase in (("r1", "foo"), ("r2", "bar")):
        if codebase == "bar":
            add_codebase(foo, "bar")
        add_run(foo, id, change_set="cs", codebase=codebase)
    foo.execute("UPDATE change_set SET state = 'created'")
    foo.execute("DELETE FROM last_run WHERE codebase = 'bar'")
    foo.execute("DELETE FROM run WHERE id = 'r2'")
    assert state(foo, "cs") == "ready"


def test_absorbing_refreshes_old_and_new_change_set_when_the_branch_moves(foo):
    for id in ("one", "two"):
        add_run(foo, id, suite=id + "-suite")
    add_branch(foo, "one")
    foo.execute("UPDATE change_set SET state = 'created'")
    foo.execute("UPDATE new_result_branch SET absorbed = true, run_id = 'two'")
    assert (state(foo, "one"), state(foo, "two")) == ("ready", "ready")


@pytest.mark.parametrize("before, after", [(None, True), (True, None), (False, None), (None, False), (True, True)])
def test_only_a_change_between_known_values_refreshes_the_change_set(foo, before, after):
    """Fault kept: a change from or to NULL is none."""
    add_run(foo, "cs")
    add_branch(foo, "cs", absorbed=False)
    foo.execute("UPDATE new_result_branch SET absorbed = $1", before)
    foo.execute("UPDATE change_set SET state = 'created'")
    foo.execute("UPDATE new_result_branch SET absorbed = $1", after)
    assert state(foo, "cs") == "created"
    foo.execute("UPDATE new_result_branch SET absorbed = false")
    foo.execute("UPDATE change_set SET state = 'created'")
    foo.execute("UPDATE new_result_branch SET absorbed = true")
    assert state(foo, "cs") == "ready"


def test_refresh_change_set_state_tells_the_state(foo):
    add_change_set(foo, "cs")
    assert foo.value("SELECT refresh_change_set_state('cs')") == "created"
    add_run(foo, "r1", change_set="cs", result_code="boom")
    assert foo.value("SELECT refresh_change_set_state('cs')") == "working"


@pytest.mark.parametrize("id", ["'nobody'", "NULL"])
def test_refresh_of_an_unknown_change_set_fails(foo, id):
    assert foo.refused(f"SELECT refresh_change_set_state({id})").sqlstate == UNDEFINED_ROW


def test_trigger_order(still):
    """The change set is looked at before last_run, after the foreign keys: names decide."""
    assert still.rows("SELECT tgrelid::regclass::text, array_agg(tgname::text ORDER BY tgname) FROM pg_trigger "
                   "WHERE NOT tgisinternal GROUP BY 1 ORDER BY 1") == [
        ("new_result_branch", ["new_result_branch_refresh_change_set_state", "new_result_branch_refresh_last_run"]),
        ("publish", ["publish_refresh_change_set_state"]),
        ("run", ["run_refresh_change_set_state", "run_refresh_last_run"]),
        ("site_session", ["expire_site_session_delete_old_rows_trigger"])]


# site_session

def test_sessions_older_than_a_week_go_with_the_next_insert(db):
    db.execute("INSERT INTO site_session (id, timestamp) VALUES ('young', now() - interval '6 days 23 hours')")
    db.execute("ALTER TABLE site_session DISABLE TRIGGER USER")
    db.execute("INSERT INTO site_session (id, timestamp) VALUES ('old', now() - interval '7 days 1 hour')")
    db.execute("ALTER TABLE site_session ENABLE TRIGGER USER")
    db.execute("UPDATE site_session SET userinfo = '{}'")
    assert db.value("SELECT count(*) FROM site_session") == 2
    db.execute("INSERT INTO site_session (id) VALUES ('new')")
    assert db.column("SELECT id FROM site_session ORDER BY id") == ["new", "young"]


def test_a_session_inserted_too_old_removes_itself(db):
    db.execute("INSERT INTO site_session (id, timestamp) VALUES ('old', now() - interval '8 days'), ('new', now())")
    assert db.column("SELECT id FROM site_session") == ["new"]


# Views over runs

def test_run_views_have_every_column_of_run_and_the_right_row(foo):
    touched(foo, main=False)
    add_run(foo, "r2", 2, result_code="boom", failure_transient=True)
    for view, id in (("last_runs", "r2"), ("last_effective_runs", "r1"), ("last_unabsorbed_runs", "r1")):
        seen = foo.row(f"SELECT {view}.*::text FROM {view}")
        assert seen == foo.row("SELECT run.*::text FROM run WHERE id = $1", id)


def test_campaigns_and_perpetual_candidates(foo):
    add_run(foo, "r1")
    add_run(foo, "r2", 2)
    add_run(foo, "r3", suite="ran-only")
    add_candidate(foo)
    add_candidate(foo, suite="wished-only")
    assert foo.column("SELECT name FROM campaigns ORDER BY name") == ["fixes", "ran-only"]
    assert foo.rows("SELECT suite, codebase FROM perpetual_candidates ORDER BY suite") == [
        ("fixes", "foo"), ("ran-only", "foo"), ("wished-only", "foo")]


def test_first_run_time_gives_one_run_of_each_pair(foo):
    add_run(foo, "r1", 1)
    add_run(foo, "r2", 2)
    add_run(foo, "r3", 3, suite="other")
    rows = foo.rows("SELECT codebase, suite, start_time FROM first_run_time ORDER BY suite")
    assert rows[1] == ("foo", "other", T0 + 3 * MINUTE)
    assert rows[0] in [("foo", "fixes", T0 + MINUTE), ("foo", "fixes", T0 + 2 * MINUTE)]
    assert len(rows) == 2


# queue_positions

def positions(db, *items):
    """Queue items (bucket, priority, seconds) one codebase each; what the view says of them."""
    for number, (bucket, priority, seconds) in enumerate(items):
        add_codebase(db, f"cb{number}")
        insert(db, "queue", codebase=f"cb{number}", suite="fixes", bucket=bucket, priority=priority,
               estimated_duration=None if seconds is None else timedelta(seconds=seconds))
    return [(codebase, position, None if wait is None else wait.total_seconds())
            for codebase, position, wait in db.rows("SELECT codebase, position, wait_time FROM queue_positions")]


def test_queue_positions_are_by_bucket_priority_and_id(db):
    assert positions(db, ("default", 1, 10), ("default", -5, 20), ("manual", 99, 40), ("default", 1, 80)) == [
        ("cb2", 1, 0), ("cb1", 2, 40), ("cb0", 3, 60), ("cb3", 4, 70)]


@pytest.mark.parametrize("durations, waits", [
    ([None, None], [None, None]),
    ([None, 5, 7], [None, 0, 5]),
    ([5, None, 7], [0, 5, 5]),
    ([5, 7, None], [0, 5, 12]),
    ([None, 5, None, None, 7], [None, 0, 5, 5, 5]),
    ([], []),
])
def test_queue_wait_time(db, durations, waits):
    seen = positions(db, *[("default", n, seconds) for n, seconds in enumerate(durations)])
    assert [wait for _, _, wait in seen] == waits


# publish_ready

def add_policy(db, name, *entries, bucket=None):
    """A publication policy of (role, mode, frequency_days) entries."""
    array = "ARRAY[" + ", ".join("ROW({}, {}, {})".format(
        *("NULL" if v is None else repr(v) for v in entry)) for entry in entries) + "]::branch_publish_policy[]"
    db.execute(f"INSERT INTO named_publish_policy VALUES ('{name}', {array}, $1)", bucket)


def ready(db):
    """Rows of publish_ready: (run, [(role, mode, frequency_days)...] of the unpublished branches)."""
    return [(id, [(role, mode, days) for role, _, _, _, mode, days in map(tuple, branches)])
            for id, branches in db.rows("SELECT id, unpublished_branches FROM publish_ready ORDER BY id, policy_command")]


def test_publish_ready_has_the_branch_with_its_rule(foo):
    add_policy(foo, "pol", ("main", "propose", 7), bucket="bulk")
    add_candidate(foo, publish_policy="pol", command="wanted", value=3)
    add_run(foo, "r1", command="ran", value=5, revision="rev", description="d", context="c")
    add_branch(foo, "r1", remote_name="debian/main", base_revision="b", revision="r")
    (row,) = foo.rows("SELECT id, command, policy_command, publish_policy_name, rate_limit_bucket, publish_status, value, "
                      "change_set, change_set_state, codebase, result_branches, unpublished_branches FROM publish_ready")
    assert row[:10] == ("r1", "ran", "wanted", "pol", "bulk", "unknown", 5, "r1", "ready", "foo")
    assert [tuple(b) for b in row[10]] == [("main", "debian/main", "b", "r")]
    assert [tuple(b) for b in row[11]] == [("main", "debian/main", "b", "r", "propose", 7)]


def test_publish_ready_needs_a_policy(foo):
    add_candidate(foo)
    add_run(foo, "r1")
    add_branch(foo, "r1")
    assert ready(foo) == []
    add_policy(foo, "pol")
    foo.execute("UPDATE candidate SET publish_policy = 'pol'")
    assert ready(foo) == [("r1", [("main", None, None)])]


def test_publish_ready_without_an_array_of_rules(foo):
    foo.execute("INSERT INTO named_publish_policy (name) VALUES ('pol')")
    add_candidate(foo, publish_policy="pol")
    add_run(foo, "r1")
    add_branch(foo, "r1")
    assert ready(foo) == [("r1", [("main", None, None)])]


def test_publish_ready_main_is_last_and_absorbed_ones_are_left_out(foo):
    add_policy(foo, "pol", ("main", "push", None), ("x-old", "skip", None), ("x-null", None, 3), ("z", "bts", None))
    add_candidate(foo, publish_policy="pol")
    add_run(foo, "r1")
    for role, absorbed in (("main", False), ("a", False), ("x-old", False), ("x-null", None), ("z", False)):
        add_branch(foo, "r1", role, absorbed=absorbed)
    foo.execute("UPDATE new_result_branch SET absorbed = true WHERE role = 'x-old'")
    ((id, branches),) = ready(foo)
    assert branches[-1] == ("main", "push", None)
    assert sorted(branches) == [("a", None, None), ("main", "push", None), ("x-null", None, 3), ("z", "bts", None)]
    assert foo.value("SELECT cardinality(result_branches) FROM publish_ready") == 5


def test_publish_ready_repeats_a_branch_for_each_rule_of_its_role(foo):
    add_policy(foo, "pol", ("main", "push", 1), ("main", "propose", 2))
    add_candidate(foo, publish_policy="pol")
    add_run(foo, "r1")
    add_branch(foo, "r1")
    ((_, branches),) = ready(foo)
    assert sorted(branches) == [("main", "propose", 2), ("main", "push", 1)]


def test_publish_ready_leaves_out_what_is_absorbed_or_failed_or_not_effective(foo):
    add_policy(foo, "pol", ("main", "push", None))
    add_candidate(foo, publish_policy="pol")
    add_run(foo, "r1", 1)
    assert ready(foo) == []
    add_branch(foo, "r1")
    assert ready(foo) == [("r1", [("main", "push", None)])]
    foo.execute("UPDATE new_result_branch SET absorbed = true")
    assert ready(foo) == []
    foo.execute("UPDATE new_result_branch SET absorbed = NULL")
    assert ready(foo) == [("r1", [("main", "push", None)])]
    add_run(foo, "r2", 2, result_code="boom")
    add_branch(foo, "r2")
    assert ready(foo) == []


@pytest.mark.parametrize("status", ["unknown", "blocked", "needs-manual-review", "rejected", "ignored"])
def test_publish_ready_does_not_look_at_the_status(foo, status):
    add_policy(foo, "pol", ("main", "build-only", None))
    add_candidate(foo, publish_policy="pol")
    add_run(foo, "r1", publish_status=status)
    add_branch(foo, "r1")
    assert foo.column("SELECT publish_status FROM publish_ready") == [status]


def test_publish_ready_multiplies_by_candidates_of_other_change_sets(foo):
    """Fault kept: the change set is no part of the join."""
    add_policy(foo, "pol", ("main", "push", None))
    add_change_set(foo, "other")
    add_candidate(foo, publish_policy="pol", command="one")
    add_candidate(foo, publish_policy="pol", command="two", change_set="other")
    add_run(foo, "r1")
    add_branch(foo, "r1")
    assert foo.rows("SELECT id, policy_command, change_set FROM publish_ready ORDER BY policy_command") == [
        ("r1", "one", "r1"), ("r1", "two", "r1")]


# change_set_todo, change_set_unpublished

@pytest.mark.parametrize("result_code, left", [
    ("success", 0), ("nothing-to-do", 0), ("boom", 1)])
def test_change_set_todo(foo, result_code, left):
    add_change_set(foo, "cs")
    add_candidate(foo)
    add_candidate(foo, change_set="cs")
    assert foo.column("SELECT change_set FROM change_set_todo") == ["cs"]
    add_run(foo, "r1", change_set="cs", result_code=result_code)
    assert foo.value("SELECT count(*) FROM change_set_todo") == left


def test_change_set_todo_wants_the_run_of_its_own_change_set(foo):
    add_change_set(foo, "cs")
    add_candidate(foo, change_set="cs")
    add_run(foo, "r1", 1, change_set="cs")
    add_run(foo, "r2", 2)
    assert foo.column("SELECT change_set FROM change_set_todo") == ["cs"]


def test_change_set_unpublished(foo):
    touched(foo, main=False, none=None, done=True)
    assert foo.rows("SELECT change_set, id, role FROM change_set_unpublished ORDER BY role") == [
        ("r1", "r1", "main"), ("r1", "r1", "none")]
    add_run(foo, "r2", 2, result_code="boom")
    add_branch(foo, "r2")
    assert foo.rows("SELECT * FROM change_set_unpublished") == []


# absorbed_runs

ABSORBED = ("SELECT mode, change_set, codebase, delay, campaign, result::text, id, absorbed_at, merged_by, "
            "merge_proposal_url, revision FROM absorbed_runs ORDER BY mode, id, merge_proposal_url")


def test_absorbed_runs_lists_proposals_whatever_their_status(foo):
    """Fault kept: an open one has no times."""
    add_run(foo, "r1", finish_time=T0 + MINUTE, revision="rev", result='{"b": 1, "a": 2}')
    insert(foo, "merge_proposal", url="https://h/1", revision="rev", status="merged", merged_by="m",
           merged_at=T0 + 61 * MINUTE, codebase="foo")
    insert(foo, "merge_proposal", url="https://h/2", revision="rev", status="open")
    assert foo.rows(ABSORBED) == [
        ("propose", "r1", "foo", 60 * MINUTE, "fixes", '{"a": 2, "b": 1}', "r1", T0 + 61 * MINUTE, "m",
         "https://h/1", "rev"),
        ("propose", "r1", "foo", None, "fixes", '{"a": 2, "b": 1}', "r1", None, None, "https://h/2", "rev")]


def test_absorbed_runs_lists_successful_pushes_once(foo):
    add_run(foo, "r1", finish_time=T0 + MINUTE, revision="rev")
    add_change_set(foo, "other")
    when = T0 + 31 * MINUTE
    for id in ("p1", "p2"):
        add_publish(foo, "other", id=id, revision="rev", timestamp=when)
    add_publish(foo, "r1", id="p3", revision="rev", timestamp=when + MINUTE, result_code="failed")
    add_publish(foo, "r1", id="p4", revision="rev", timestamp=when + MINUTE, mode="propose")
    assert foo.rows(ABSORBED) == [
        ("push", "r1", "foo", 30 * MINUTE, "fixes", None, "r1", when, None, None, "rev")]


@pytest.mark.parametrize("values", [
    dict(suite="unchanged"), dict(suite="control"), dict(result_code="boom"), dict(revision=None)])
def test_absorbed_runs_leaves_out(foo, values):
    add_run(foo, "r1", **{"revision": "rev", **values})
    revision = values.get("revision", "rev")
    insert(foo, "merge_proposal", url="https://h/1", revision=revision)
    add_publish(foo, "r1", revision=revision)
    assert foo.rows(ABSORBED) == []


# The Debian part

def test_debian_builds_sort_by_version(foo):
    add_run(foo, "r1")
    for version in ("1.9", "1.10", "1.10~rc1", "2:0.1", "1.10-1"):
        foo.execute("INSERT INTO debian_build (run_id, version, distribution, source) "
                    "VALUES ('r1', $1::text::debversion, 'unstable', 'foo')", version)
    assert foo.column("SELECT version::text FROM debian_build ORDER BY debian_build.version") == [
        "1.9", "1.10~rc1", "1.10", "1.10-1", "2:0.1"]
    assert foo.value("SELECT max(version)::text FROM debian_build") == "2:0.1"


def test_debian_build_keeps_its_run(foo):
    add_run(foo, "r1")
    foo.execute("INSERT INTO debian_build VALUES ('r1', '1', 'unstable', 'foo')")
    foo.execute("DELETE FROM last_run")
    error = foo.refused("DELETE FROM run")
    assert (error.sqlstate, error.constraint_name) == (FOREIGN_KEY, "debian_build_run_id_fkey")


# Sessions other than the usual one

def test_functions_do_not_depend_on_the_search_path(foo):
    foo.execute("SET search_path = pg_catalog")
    foo.execute("INSERT INTO public.change_set (id, campaign) VALUES ('cs', 'fixes')")
    foo.execute("INSERT INTO public.run (id, suite, result_code, logfilenames, change_set, codebase) "
                "VALUES ('r1', 'fixes', 'success', '{}', 'cs', 'foo')")
    foo.execute("INSERT INTO public.new_result_branch (run_id, role) VALUES ('r1', 'main')")
    foo.execute("UPDATE public.new_result_branch SET absorbed = true")
    foo.execute("INSERT INTO public.publish (id, change_set, target_branch_url, mode, result_code) "
                "VALUES ('p', 'cs', 'u', 'push', 'success')")
    foo.execute("INSERT INTO public.site_session (id) VALUES ('s')")
    foo.execute("SET search_path = public")
    assert (last_run(foo), state(foo, "cs")) == (("r1", "r1", None), "done")
