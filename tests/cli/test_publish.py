"""holdfast publish: what was published, what waits for it, what arrived."""

import pytest

from test_janitor import Janitor


@pytest.fixture
def publishes(cluster, db):
    """Four tries; a run of campaign fixes made what the first two are about."""
    db.execute("""
        INSERT INTO codebase (name) VALUES ('aa'), ('bb');
        INSERT INTO change_set VALUES ('cs', 'fixes'), ('other', 'docs');
        INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, revision) VALUES
            ('r1', 'aa', 'fixes', 'success', '{}', 'cs', 'v1');
        INSERT INTO merge_proposal (url) VALUES ('u1');
        INSERT INTO publish (id, change_set, codebase, target_branch_url, mode, role, result_code, revision, timestamp) VALUES
            ('p2', 'cs', 'aa', 't', 'push', 'main', 'failed', 'v1', '2024-01-02'),
            ('p3', 'other', 'bb', 't', 'push', 'main', 'success', 'v8', '2024-01-02'),
            ('p4', 'cs', NULL, 't', 'bts', NULL, 'failed', NULL, NULL);
        INSERT INTO publish VALUES ('p1', 'cs', 's', 'sw', 't', 'tw', 'sub', 'b', 'm', 'v1', 'main', 'propose', 'u1', 'success', 'd',
                                    'jo', 'aa', '2024-01-01');
    """)
    return Janitor(cluster, db)


def ids(publishes, *flags):
    return [row["id"] for row in publishes.json("publish", "history", *flags)]


def test_publish_history_is_ordered_filtered_and_paged(publishes):
    assert ids(publishes) == ["p4", "p3", "p2", "p1"]
    assert ids(publishes, "--codebase", "aa") == ids(publishes, "--campaign", "fixes") == ["p2", "p1"]
    assert ids(publishes, "--change-set", "other") == ids(publishes, "--mode", "push", "--result", "success") == ["p3"]
    assert ids(publishes, "--role", "main", "--revision", "v1") == ["p2", "p1"]
    seen, after = [], []
    for _ in range(9):
        seen += ids(publishes, "--limit", 1, "-q", *after)
        after = ["--after", seen[-1]]
    assert seen == ["p4", "p3", "p2", "p1"], "pages meet, also where times are equal or unknown"
    assert publishes.json("publish", "history", "--proposal", "u1") == [
        {"timestamp": "2024-01-01T00:00:00.000000Z", "id": "p1", "codebase": "aa", "role": "main", "mode": "propose",
         "result_code": "success", "merge_proposal_url": "u1", "description": "d", "change_set": "cs", "revision": "v1"}]


def test_publish_history_refuses_an_unknown_mode(publishes):
    assert "did you mean   push" in publishes.refused(2, "publish", "history", "--mode", "psh")
    assert publishes.refused(3, "publish", "history", "--after", "p9") == "error: there is no publish p9\n"


def test_publish_show_prints_every_field(publishes):
    assert publishes.json("publish", "show", "p1") == {
        "id": "p1", "codebase": "aa", "change_set": "cs", "timestamp": "2024-01-01T00:00:00.000000Z", "mode": "propose",
        "role": "main", "result_code": "success", "description": "d", "requester": "jo", "merge_proposal_url": "u1",
        "branch_name": "b", "revision": "v1", "main_branch_revision": "m", "subpath": "sub", "source_branch_url": "s",
        "source_branch_web_url": "sw", "target_branch_url": "t", "target_branch_web_url": "tw"}
    bare = publishes.json("publish", "show", "p4")
    assert (bare["codebase"], bare["timestamp"], bare["role"], bare["merge_proposal_url"]) == (None, None, None, None)


def test_publish_show_refuses_an_unknown_id(publishes):
    assert publishes.refused(3, "publish", "show", "p9") == "error: there is no publish p9\n"


def test_publish_stats_counts(publishes):
    rows = publishes.json("publish", "stats")
    assert [(row["mode"], row["result_code"], row["publishes"]) for row in rows] == [
        ("push", "failed", 1), ("push", "success", 1), ("propose", "success", 1), ("bts", "failed", 1)]
    assert publishes.json("publish", "stats", "--campaign", "fixes")[1] == {
        "mode": "propose", "result_code": "success", "publishes": 1, "codebases": 1, "newest": "2024-01-01T00:00:00.000000Z"}


def test_publish_stats_refuses_an_argument(publishes):
    assert "unexpected argument" in publishes.refused(2, "publish", "stats", "push")


# ---- what waits, what keeps it, what arrived ----

@pytest.fixture
def waiting(cluster, db):
    """Three runs with branches that have not landed: two approved, one not; what the last made was merged."""
    db.execute("""
        INSERT INTO codebase (name) VALUES ('aa'), ('bb'), ('cc');
        INSERT INTO change_set VALUES ('cs', 'fixes');
        INSERT INTO run (id, codebase, suite, command, result_code, logfilenames, change_set, revision, publish_status, value,
                         finish_time, target_branch_url, result) VALUES
            ('r1', 'aa', 'fixes', 'x', 'success', '{}', 'cs', 'v1', 'approved', 7, '2024-01-01', 't', '{"a": 1}'),
            ('r2', 'bb', 'fixes', 'x', 'success', '{}', 'cs', 'v2', 'approved', NULL, NULL, NULL, NULL),
            ('r3', 'cc', 'fixes', 'x', 'success', '{}', 'cs', 'v3', 'unknown', 9, '2024-01-01', NULL, NULL);
        INSERT INTO new_result_branch (run_id, role, remote_name, base_revision, revision)
            SELECT id, 'main', 'n', 'base', revision FROM run;
        INSERT INTO named_publish_policy VALUES ('p', ARRAY[ROW('main', 'propose', 7)::branch_publish_policy], 'b');
        INSERT INTO candidate (codebase, suite, command, publish_policy) SELECT codebase, suite, 'x', 'p' FROM run;
        UPDATE change_set SET state = 'ready';
        INSERT INTO merge_proposal (url, revision, status, merged_at, merged_by) VALUES
            ('u1', 'v1', 'merged', '2024-01-02', 'jo'), ('u2', 'v2', 'open', NULL, NULL);
    """)
    return Janitor(cluster, db)


def ready(waiting, *flags):
    return [row["run_id"] for row in waiting.json("publish", "ready", *flags)]


def test_publish_ready_is_ordered_filtered_and_paged(waiting):
    assert ready(waiting) == ["r1", "r2"]
    assert ready(waiting, "--all") == ["r3", "r1", "r2"]
    assert ready(waiting, "--codebase", "bb") == ready(waiting, "--after", "r1") == ["r2"]
    assert ready(waiting, "--limit", 1, "-q") == ["r1"] and ready(waiting, "--campaign", "docs") == []
    assert waiting.json("publish", "ready", "--codebase", "aa") == [
        {"run_id": "r1", "codebase": "aa", "campaign": "fixes", "value": 7, "publish_status": "approved",
         "change_set_state": "ready", "modes": "main=propose", "policy": "p", "rate_limit_bucket": "b",
         "finish_time": "2024-01-01T00:00:00.000000Z", "change_set": "cs", "command": "x", "policy_command": "x",
         "revision": "v1", "target_branch_url": "t",
         "branches": [{"role": "main", "remote_name": "n", "base_revision": "base", "revision": "v1", "mode": "propose",
                       "frequency_days": 7}]}]


def test_publish_ready_refuses_an_unknown_run(waiting):
    assert waiting.refused(3, "publish", "ready", "--after", "r9") == "error: there is no run r9 to go on behind\n"


def test_publish_blockers_names_each(waiting):
    rows = waiting.json("publish", "blockers", "r3")
    assert [row["check"] for row in rows] == ["result", "superseded", "inactive", "policy", "command", "branches",
                                              "publish_status", "change_set", "backoff", "previous"]
    assert [(row["check"], row["details"]) for row in rows if row["blocks"]] == [("publish_status", "unknown")]
    assert not any(row["blocks"] for row in waiting.json("publish", "blockers", "r1"))


def test_publish_blockers_refuses_an_unknown_run(waiting):
    assert waiting.refused(3, "publish", "blockers", "r9") == "error: there is no run r9\n"


def test_publish_done_is_ordered_filtered_and_paged(waiting):
    assert waiting.json("publish", "done") == [
        {"absorbed_at": "2024-01-02T00:00:00.000000Z", "run_id": "r1", "codebase": "aa", "campaign": "fixes", "mode": "propose",
         "delay_s": 86400, "merged_by": "jo", "merge_proposal_url": "u1", "change_set": "cs", "revision": "v1", "result": {"a": 1},
         "place": "2024-01-02T00:00:00.000000Z/propose/r1 u1"}]
    for flags, count in ((["--since", "2024-01-02"], 1), (["--since", "2024-01-02T00:00:01"], 0), (["--codebase", "bb"], 0),
                         (["--campaign", "fixes"], 1)):
        assert len(waiting.json("publish", "done", *flags)) == count, flags
    waiting.db.execute("""
        INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, revision) VALUES
            ('a/b', 'bb', 'fixes', 'success', '{}', 'cs', 'w1');
        INSERT INTO merge_proposal (url, status, revision, merged_at) VALUES
            ('https://h/a/2', 'applied', 'v1', '2024-01-02'), ('u3', 'merged', 'w1', '2024-01-02'),
            ('u4', 'merged', 'w1', '2024-01-01 23:59:59.999999'), ('https://h/5', 'applied', 'w1', NULL);
    """)
    everything = waiting.json("publish", "done")
    assert [row["place"] for row in everything] == [
        "2024-01-02T00:00:00.000000Z/propose/r1 u1", "2024-01-02T00:00:00.000000Z/propose/r1 https://h/a/2",
        "2024-01-02T00:00:00.000000Z/propose/a/b u3", "2024-01-01T23:59:59.999999Z/propose/a/b u4", "never/propose/a/b https://h/5"]
    for at, row in enumerate(everything):
        assert waiting.json("publish", "done", "--after", row["place"]) == everything[at + 1:], row["place"]


@pytest.mark.parametrize("place", ["r1", "2024-01-02/propose", "2024-01-02/propose/", ""])
def test_publish_done_refuses_what_is_no_place(waiting, place):
    assert "--after names no arrival" in waiting.refused(2, "publish", "done", f"--after={place}")
    assert '"soon" is no time' in waiting.refused(2, "publish", "done", "--after=soon/push/r1")


@pytest.mark.parametrize("time", ["yesterday", "2024-13-01", "2024-01-01T", "2024-01-01 00:00:00", "2024-01-01T00:00:00ZZ", "2024-01-01T00:00:00.1234567", ""])
def test_publish_done_refuses_what_is_no_time(waiting, time):
    assert f'"{time}" is no time' in waiting.refused(2, "publish", "done", f"--since={time}")


def test_publish_keeps_defects_on_demand(waiting):
    waiting.db.execute("""
        INSERT INTO change_set VALUES ('other', 'fixes');
        INSERT INTO candidate (codebase, suite, command, publish_policy, change_set) VALUES ('aa', 'fixes', 'x', 'p', 'other');
    """)
    assert ready(waiting) == ["r1", "r2"] and ready(waiting, "--defects", "correct,D-67") == ["r1", "r1", "r2"]
    assert len(waiting.json("publish", "done", "--defects", "correct,D-09")) == 2
