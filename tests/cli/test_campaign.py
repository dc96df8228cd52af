"""holdfast campaign, changeset and candidate never-processed: what was tried, what waits, what is left to be done."""

import json

import pytest

from command import run
from test_janitor import Janitor


@pytest.fixture
def state(cluster, db):
    """Campaigns that only runs, only candidates and only the queue name; a change set with one of two candidates done."""
    db.execute("""
        INSERT INTO codebase (name) VALUES ('aa'), ('bb');
        INSERT INTO change_set VALUES ('cs', 'fixes'), ('other', 'docs'), ('zz', 'docs');
        INSERT INTO candidate (id, codebase, suite, command, change_set) VALUES
            (1, 'aa', 'fixes', 'fix', 'cs'), (2, 'bb', 'fixes', 'fix', 'cs'), (3, 'aa', 'wanted', 'fix', NULL);
        INSERT INTO queue (codebase, suite, command) VALUES ('aa', 'queued', 'x'), ('bb', 'queued', 'x'), ('bb', 'fixes', 'x');
        INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, start_time) VALUES
            ('r1', 'aa', 'fixes', 'build-failed', '{}', 'cs', '2024-01-01'), ('r2', 'aa', 'fixes', 'success', '{}', 'cs', '2024-01-02'),
            ('r3', 'bb', 'fixes', 'build-failed', '{}', 'cs', '2024-01-03'), ('r4', 'bb', 'docs', 'nothing-to-do', '{}', 'other', NULL);
        INSERT INTO new_result_branch (run_id, role, revision) VALUES ('r2', 'main', 'x'), ('r2', 'debian', 'y'), ('r3', 'main', 'z');
        UPDATE run SET value = 1 WHERE id = 'r2';
    """)
    return Janitor(cluster, db)


def test_campaign_list_counts(state):
    assert state.json("campaign", "list") == [
        {"name": "docs", "candidates": 0, "queued": 0, "codebases": 1, "runs": 1, "successes": 0, "success_share": 0, "newest": None},
        {"name": "fixes", "candidates": 2, "queued": 1, "codebases": 2, "runs": 3, "successes": 1,
         "success_share": pytest.approx(1 / 3), "newest": "2024-01-03T00:00:00.000000Z"},
        {"name": "queued", "candidates": 0, "queued": 2, "codebases": 0, "runs": 0, "successes": 0, "success_share": None, "newest": None},
        {"name": "wanted", "candidates": 1, "queued": 0, "codebases": 0, "runs": 0, "successes": 0, "success_share": None, "newest": None}]


def test_campaign_list_refuses_an_argument(state):
    assert "unexpected argument" in state.refused(2, "campaign", "list", "fixes")


def test_campaign_show_counts_one(state):
    for row in state.json("campaign", "list"):
        assert state.json("campaign", "show", row["name"]) == row


def test_campaign_show_refuses_an_unknown_name(state):
    assert state.refused(3, "campaign", "show", "fix") == "error: no run, candidate or queue entry names a campaign fix\n"


def test_campaign_stats_counts_each_result(state):
    state.db.execute("""
        INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, start_time) VALUES
            ('r5', 'aa', 'fixes', 'build-failed', '{}', 'cs', '2024-01-04');
        INSERT INTO publish (id, change_set, codebase, target_branch_url, mode, role, result_code, revision, timestamp) VALUES
            ('p1', 'cs', 'aa', 't', 'push', 'main', 'success', 'x', '2024-02-01'),
            ('p2', 'other', 'bb', 't', 'push', 'main', 'success', 'none', '2024-02-02');
        UPDATE run SET revision = 'x' WHERE id = 'r2'""")

    def row(what, count, mode=None, result=None, codebases=None, newest=None):
        return {"what": what, "mode": mode, "result_code": result, "count": count, "codebases": codebases,
                "newest": newest and newest + "T00:00:00.000000Z"}

    assert state.json("campaign", "stats", "fixes") == [
        row("candidate", 2), row("queue", 1), row("run", 3, None, "build-failed", 2, "2024-01-04"),
        row("run", 1, None, "success", 1, "2024-01-02"), row("publish", 1, "push", "success", 1, "2024-02-01")]
    assert state.json("campaign", "stats", "queued") == [row("candidate", 0), row("queue", 2)]
    assert state.json("campaign", "stats", "fixes", "--limit", 1, "-q") == [row("candidate", 2)]


def test_campaign_stats_refuses_an_unknown_name(state):
    assert state.refused(3, "campaign", "stats", "fix") == "error: no run, candidate or queue entry names a campaign fix\n"
    assert "missing argument NAME" in state.refused(2, "campaign", "stats")


def free_campaigns(state):
    """Of all that can be claimed, without claiming it."""
    found = []
    for name in ("queued", "fixes"):
        done = run(*state.flags, "--json", "queue", "claim", "--campaign", name, "--dry-run")
        assert done.returncode in (0, 3), done
        found += [json.loads(done.stdout)["campaign"]] if done.returncode == 0 else []
    return found


@pytest.fixture
def ours(state):
    state.ok("queue", "assigner", "holdfast")
    return state


def test_campaign_pause_holds_it_back(ours):
    assert free_campaigns(ours) == ["queued", "fixes"]
    assert ours.json("campaign", "pause", "queued", "--reason", "loud", "--for", "1h")["changed"] == 1
    assert free_campaigns(ours) == ["fixes"]
    assert [(row["kind"], row["name"], row["reason"]) for row in ours.json("queue", "pauses")] == [("campaign", "queued", "loud")]


def test_campaign_pause_refuses_an_unknown_name(ours):
    assert ours.refused(3, "campaign", "pause", "fix") == "error: no run, candidate or queue entry names a campaign fix\n"
    assert ours.json("queue", "pauses") == []


def test_campaign_resume_ends_its_pause(ours):
    ours.ok("campaign", "pause", "queued")
    ours.ok("campaign", "pause", "fixes")
    ours.ok("campaign", "resume", "queued")
    assert free_campaigns(ours) == ["queued"]


def test_campaign_resume_refuses_what_is_not_paused(ours):
    assert ours.refused(3, "campaign", "resume", "queued") == "error: campaign queued is not paused\n"


def test_changeset_list_is_ordered_filtered_and_paged(state):
    assert state.json("changeset", "list") == [{"id": "cs", "campaign": "fixes", "state": "working", "runs": 3},
                                               {"id": "other", "campaign": "docs", "state": "working", "runs": 1},
                                               {"id": "zz", "campaign": "docs", "state": "created", "runs": 0}]

    def ids(*flags):
        return [row["id"] for row in state.json("changeset", "list", "-q", *flags)]

    assert ids("--state", "created") == ["zz"] and ids("--state", "done") == []
    assert ids("--campaign", "docs") == ["other", "zz"] and ids("--campaign", "docs", "--state", "working") == ["other"]
    assert ids("--limit", 1) == ["cs"] and ids("--limit", 1, "--after", "cs") == ["other"]


def test_changeset_list_refuses_an_unknown_state(state):
    assert "expected created, working, ready, publishing or done" in state.refused(2, "changeset", "list", "--state", "finished")


def test_changeset_show_tells_what_is_left(state):
    assert state.json("changeset", "show", "cs") == {
        "id": "cs", "campaign": "fixes", "state": "working", "runs": 3, "todo": [{"id": 2, "codebase": "bb", "campaign": "fixes"}],
        "unpublished": [{"run_id": "r2", "role": "debian"}, {"run_id": "r2", "role": "main"}]}
    assert state.json("changeset", "show", "zz") == {"id": "zz", "campaign": "docs", "state": "created", "runs": 0, "todo": [],
                                                     "unpublished": []}


def test_changeset_show_refuses_an_unknown_id(state):
    assert state.refused(3, "changeset", "show", "c") == "error: there is no change set c\n"


def test_changeset_refresh_moves_on(state):
    def stored():
        return state.db.value("SELECT state::text FROM change_set WHERE id = 'cs'")

    state.db.execute("DELETE FROM candidate WHERE id = 2")
    assert state.json("changeset", "refresh", "cs", "--dry-run") == {"id": "cs", "state": "ready", "dry_run": True}
    assert stored() == "working"
    assert state.json("changeset", "refresh", "cs")["state"] == stored() == "ready"
    assert state.json("changeset", "refresh", "cs")["state"] == "ready"
    assert state.json("changeset", "refresh", "zz")["state"] == "created"


def test_changeset_refresh_refuses_an_unknown_id(state):
    assert state.refused(3, "changeset", "refresh", "c") == "error: there is no change set c\n"


def test_candidate_never_processed_leaves_out_what_ran(state):
    state.db.execute("""
        INSERT INTO candidate (id, codebase, suite, command, change_set) VALUES
            (4, 'bb', 'wanted', 'fix', NULL), (5, 'bb', 'wanted', 'fix', 'zz'), (6, 'aa', 'docs', 'fix', NULL),
            (7, 'bb', 'docs', 'fix', NULL)""")

    def ids(*flags):
        return [row["id"] for row in state.json("candidate", "never-processed", "-q", *flags)]

    assert ids() == [3, 4, 6]
    assert ids("--campaign", "wanted") == [3, 4] and ids("--campaign", "fixes") == []
    assert ids("--limit", 1) == [3] and ids("--after", 3, "--limit", 1) == [4]
    assert state.json("candidate", "never-processed", "--campaign", "docs") == state.json("candidate", "list", "--after", 5, "--codebase", "aa")


def test_candidate_never_processed_refuses_a_bad_id(state):
    assert state.refused(2, "candidate", "never-processed", "--after", "x").startswith("error: ")
