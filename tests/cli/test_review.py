"""holdfast review: what waits, what a verdict stores and decides, how the runner is told, and what is refused."""

import http.server
import json
import threading

import pytest

from test_janitor import Janitor


@pytest.fixture
def runs(cluster, db):
    """r2, r1 and r3 could be published; nobody said that r3, which has no revision, needs a review; r4 has no candidate."""
    db.execute("""
        INSERT INTO codebase (name) VALUES ('aa'), ('bb'), ('cc');
        INSERT INTO named_publish_policy VALUES ('p', ARRAY[ROW('main', 'propose', NULL)::branch_publish_policy], NULL);
        INSERT INTO candidate (codebase, suite, command, publish_policy)
        SELECT name, 'fixes', 'fix ' || name, 'p' FROM codebase;
        INSERT INTO change_set VALUES ('cs', 'fixes'), ('other', 'docs');
        INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, start_time, finish_time, publish_status,
                         revision, value, description) VALUES
            ('r1', 'aa', 'fixes', 'success', '{}', 'cs', '2024-01-01', '2024-01-01 00:01', 'needs-manual-review', 'x', 5, 'd'),
            ('r2', 'bb', 'fixes', 'success', '{}', 'cs', '2024-01-02', '2024-01-02 00:01', 'needs-manual-review', 'x', 50, NULL),
            ('r3', 'cc', 'fixes', 'success', '{}', 'cs', '2024-01-03', '2024-01-03 00:01', 'unknown', NULL, NULL, NULL),
            ('r4', 'aa', 'docs', 'success', '{}', 'other', '2024-01-03', '2024-01-03', 'needs-manual-review', 'x', 99, NULL);
        INSERT INTO new_result_branch (run_id, role, revision) SELECT id, 'main', 'x' FROM run;
    """)
    return Janitor(cluster, db)


def say(runs, verb, run, who, *flags):
    return runs.json("review", verb, run, "--reviewer", who, *flags)


def reviews(runs):
    return runs.db.rows("SELECT run_id, reviewer, verdict::text, comment FROM review ORDER BY 1, 2, 3")


def status_of(runs, run):
    return runs.db.value(f"SELECT publish_status::text FROM run WHERE id = '{run}'")


def waiting(runs, *flags):
    return [row["run_id"] for row in runs.json("review", "pending", *flags)]


@pytest.fixture
def runner():
    """A runner: (URL, what it heard, what it answers)."""
    heard, answers = [], {"code": 200}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.path, self.headers["Content-Type"], json.loads(body)))
            self.send_response(answers["code"])
            self.end_headers()
            self.wfile.write(b"no such run: r1\n")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/", heard, answers
    server.shutdown()
    thread.join()
    server.server_close()


# ---- what waits ----

def test_review_pending_is_ordered_filtered_and_paged(runs):
    assert waiting(runs) == ["r2", "r1"]
    assert waiting(runs, "--unknown") == ["r2", "r1", "r3"]
    assert waiting(runs, "--campaign", "docs") == [], "what no candidate asks for cannot be published"
    runs.db.execute("INSERT INTO change_set VALUES ('more', 'fixes'); INSERT INTO candidate (codebase, suite, command, publish_policy, change_set) "
                    "VALUES ('aa', 'fixes', 'x', 'p', 'more')")
    assert waiting(runs) == ["r2", "r1"], "two candidates do not make two runs"
    say(runs, "abstain", "r2", "alice")
    assert waiting(runs, "--reviewer", "alice") == ["r1"]
    assert waiting(runs, "--reviewer", "bob") == ["r2", "r1"]
    assert runs.json("review", "pending", "--limit", 1, "-q") == [
        {"run_id": "r2", "codebase": "bb", "campaign": "fixes", "value": 50, "finish_time": "2024-01-02T00:01:00.000000Z",
         "publish_status": "needs-manual-review", "reviews": 1, "description": None}]
    seen, after = [], []
    while page := waiting(runs, "--unknown", "--limit", 1, "-q", *after):
        seen += page
        after = ["--after", page[-1]]
    assert seen == ["r2", "r1", "r3"]
    say(runs, "approve", "r2", "bob", "--qa")
    assert waiting(runs) == ["r1"], "QA decided"


def test_review_pending_refuses_an_unknown_run(runs):
    assert runs.refused(3, "review", "pending", "--after", "r9") == "error: there is no run r9 to go on behind\n"


def test_review_next_is_the_most_valuable(runs):
    assert runs.json("review", "next")["run_id"] == "r2"
    assert runs.json("review", "next", "--campaign", "fixes", "--unknown")["run_id"] == "r2"
    say(runs, "abstain", "r2", "alice")
    assert runs.json("review", "next", "--reviewer", "alice") == runs.json("review", "show", "r1")


def test_review_next_refuses_when_nothing_waits(runs):
    assert runs.refused(3, "review", "next", "--campaign", "docs") == "error: no run that passes the filters waits for a review\n"


# ---- looking ----

def test_review_show_lists_the_newest_first(runs):
    assert runs.json("review", "show", "r1") == {
        "run_id": "r1", "codebase": "aa", "campaign": "fixes", "result_code": "success", "description": "d", "value": 5,
        "finish_time": "2024-01-01T00:01:00.000000Z", "revision": "x", "publish_status": "needs-manual-review", "reviews": []}
    say(runs, "abstain", "r1", "alice", "-m", "not mine")
    runs.db.execute("INSERT INTO review VALUES ('r1', NULL, NULL, 'approved', '2024-01-05')")
    shown = runs.json("review", "show", "r1")["reviews"]
    assert shown[0].pop("reviewed_at") > "2024-01-06"
    assert shown == [{"verdict": "abstained", "reviewer": "alice", "comment": "not mine"},
                     {"verdict": "approved", "reviewer": None, "comment": None, "reviewed_at": "2024-01-05T00:00:00.000000Z"}]


def test_review_show_refuses_an_unknown_run(runs):
    assert runs.refused(3, "review", "show", "r9") == "error: there is no run r9\n"


def test_review_history_is_ordered_and_filtered(runs):
    runs.db.execute("INSERT INTO review VALUES ('r1', 'a', 'alice', 'approved', '2024-01-05'), "
                    "('r4', NULL, 'alice', 'rejected', '2024-01-06'), ('r2', NULL, NULL, 'abstained', '2024-01-07')")
    history = lambda *flags: [row["run_id"] for row in runs.json("review", "history", *flags)]
    assert history() == ["r2", "r4", "r1"]
    assert history("--run", "r4") == history("--campaign", "docs") == history("--verdict", "rejected") == ["r4"]
    assert history("--reviewer", "alice") == ["r4", "r1"]
    assert history("--reviewer", "alice", "--campaign", "fixes", "--verdict", "approved") == ["r1"]
    assert runs.json("review", "history", "--run", "r1") == [
        {"reviewed_at": "2024-01-05T00:00:00.000000Z", "run_id": "r1", "codebase": "aa", "campaign": "fixes",
         "verdict": "approved", "reviewer": "alice", "comment": "a"}]


def test_review_history_refuses_an_unknown_verdict(runs):
    assert "did you mean   rejected" in runs.refused(2, "review", "history", "--verdict", "rejectd")


def test_review_stats_counts(runs):
    runs.db.execute("INSERT INTO review VALUES ('r1', 'a', 'alice', 'approved'), ('r2', NULL, 'alice', 'rejected'), "
                    "('r2', NULL, NULL, 'abstained'), ('r2', NULL, NULL, 'approved'), ('r4', NULL, 'bob', 'approved')")
    docs = {"campaign": "docs", "total": 1, "runs": 1, "reviewers": 1, "approved": 1, "rejected": 0, "abstained": 0}
    assert runs.json("review", "stats") == [
        docs, {"campaign": "fixes", "total": 4, "runs": 2, "reviewers": 1, "approved": 2, "rejected": 1, "abstained": 1}]
    assert runs.json("review", "stats", "--campaign", "docs") == [docs]
    assert runs.json("review", "stats", "--campaign", "none") == []


def test_review_stats_refuses_an_argument(runs):
    assert "unexpected argument" in runs.refused(2, "review", "stats", "fixes")


# ---- verdicts ----

def test_review_approve_stores_and_decides(runs):
    assert say(runs, "approve", "r1", "alice", "-m", "fine") == {
        "run_id": "r1", "verdict": "approved", "reviewer": "alice", "publish_status": None, "runner_told": False,
        "queue_id": None, "dry_run": False}
    assert (reviews(runs), status_of(runs, "r1")) == ([("r1", "alice", "approved", "fine")], "needs-manual-review")
    assert say(runs, "approve", "r1", "alice", "--qa")["publish_status"] == "approved"
    assert (reviews(runs), status_of(runs, "r1")) == ([("r1", "alice", "approved", None)], "approved")


def test_review_approve_tells_the_runner(runs, runner):
    url, heard, _ = runner
    shown = say(runs, "approve", "r1", "alice", "--qa", "--runner", url)
    assert (shown["publish_status"], shown["runner_told"]) == ("approved", True)
    assert heard == [("/api/runs/r1", "application/json", {"publish_status": "approved"})]
    assert status_of(runs, "r1") == "needs-manual-review", "the runner writes it"
    assert reviews(runs) == [("r1", "alice", "approved", None)]


def test_a_failure_of_the_runner_leaves_the_review(runs, runner):
    url, heard, answers = runner
    answers["code"] = 404
    message = runs.refused(3, "review", "approve", "r1", "--reviewer", "alice", "--qa", "--runner", url)
    assert message.startswith("error: the review is stored, but not everybody was told: the runner at "
                              f"{url}runs/r1 answered 404: no such run: r1\n")
    assert "give the same verdict again" in message
    assert reviews(runs) == [("r1", "alice", "approved", None)]
    answers["code"] = 200
    assert say(runs, "approve", "r1", "alice", "--qa", "--runner", url)["runner_told"]
    assert (len(heard), reviews(runs)) == (2, [("r1", "alice", "approved", None)])


def test_a_preview_of_a_verdict_tells_nobody(runs, runner):
    url, heard, _ = runner
    shown = say(runs, "reject", "r1", "alice", "--qa", "--runner", url, "--dry-run")
    assert (shown["publish_status"], shown["runner_told"], shown["dry_run"]) == ("rejected", False, True)
    assert (reviews(runs), status_of(runs, "r1"), heard) == ([], "needs-manual-review", [])


def test_review_approve_refuses_what_cannot_be(runs, runner):
    url, heard, _ = runner
    for flags in ([], ["--runner", url]):
        message = runs.refused(1, "review", "approve", "r3", "--reviewer", "alice", "--qa", *flags)
        assert message.startswith("error: run r3 cannot be approved: it has no revision\n")
    assert runs.refused(3, "review", "approve", "r9", "--reviewer", "alice", "--qa", "--runner", url).startswith("error: there is no run r9")
    assert "give --qa with --runner" in runs.refused(2, "review", "approve", "r1", "--reviewer", "alice", "--runner", url)
    for wrong in ("ftp://user:secret@host/", "host:9911", "http://", "nonsense"):
        message = runs.refused(2, "review", "approve", "r1", "--reviewer", "alice", "--qa", "--runner", wrong)
        assert message.startswith("error: the runner's URL is no http or https URL") and "secret" not in message
    assert (reviews(runs), heard) == ([], [])
    say(runs, "approve", "r3", "alice")
    assert reviews(runs) == [("r3", "alice", "approved", None)], "who does not decide may like what has no revision"


def test_review_reject_replaces_what_was_said(runs):
    say(runs, "approve", "r1", "alice", "-m", "fine")
    say(runs, "approve", "r1", "bob")
    assert say(runs, "reject", "r1", "alice", "-m", "drops a patch", "--qa")["publish_status"] == "rejected"
    assert reviews(runs) == [("r1", "alice", "rejected", "drops a patch"), ("r1", "bob", "approved", None)]
    assert status_of(runs, "r1") == "rejected"


def test_review_reject_refuses_without_a_name(runs):
    for flags in ([], ["--reviewer", ""]):
        assert runs.refused(2, "review", "reject", "r1", *flags) == "error: say who reviews: --reviewer NAME\n"
    assert reviews(runs) == []


def test_review_abstain_decides_nothing(runs):
    assert say(runs, "abstain", "r1", "alice")["publish_status"] is None
    assert (reviews(runs), status_of(runs, "r1")) == ([("r1", "alice", "abstained", None)], "needs-manual-review")


def test_review_abstain_refuses_to_decide(runs):
    assert 'unknown flag "--qa"' in runs.refused(2, "review", "abstain", "r1", "--reviewer", "alice", "--qa")


def test_review_reschedule_rejects_and_queues(runs):
    shown = say(runs, "reschedule", "r1", "alice", "-m", "again")
    assert (shown["verdict"], shown["queue_id"], shown["publish_status"]) == ("rejected", 1, None)
    assert reviews(runs) == [("r1", "alice", "rejected", "again")]
    assert runs.db.rows("SELECT codebase, suite::text, command, bucket::text, priority, refresh, requester FROM queue") == [
        ("aa", "fixes", "fix aa", "default", -1, True, "reviewer (alice)")]
    assert say(runs, "reschedule", "r2", "alice", "--qa", "--dry-run")["publish_status"] == "rejected"
    assert runs.db.value("SELECT count(*) FROM queue") == 1


def test_review_reschedule_refuses_without_a_candidate(runs, runner):
    url, heard, _ = runner
    message = runs.refused(3, "review", "reschedule", "r4", "--reviewer", "alice", "--qa", "--runner", url)
    assert message.startswith("error: there is no candidate docs/aa\n")
    assert (reviews(runs), runs.db.value("SELECT count(*) FROM queue"), heard) == ([], 0, [])
