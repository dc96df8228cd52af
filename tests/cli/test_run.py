"""holdfast run: lists in pages, one run with all of its fields, tallies; what runs now, what ends, what differs."""

import json
import signal
import subprocess
import time

import pytest

from command import PROGRAM, environment, run
from test_janitor import Janitor


@pytest.fixture
def runs(cluster, db):
    """Six runs of two codebases in two campaigns; two start at once, one has no times."""
    db.execute("""
        INSERT INTO codebase (name) VALUES ('aa'), ('bb');
        INSERT INTO worker (name, password) VALUES ('w1', 'x');
        INSERT INTO change_set VALUES ('cs', 'fixes'), ('other', 'docs');
        INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, start_time, finish_time, worker, failure_stage,
                         publish_status, revision) VALUES
            ('r1', 'aa', 'fixes', 'success', '{}', 'cs', '2024-01-01', '2024-01-01 00:01', 'w1', NULL, 'approved', 'x'),
            ('r2', 'aa', 'fixes', 'build-failed', '{}', 'cs', '2024-01-02', '2024-01-02 00:02', NULL, 'build', 'unknown', NULL),
            ('r3', 'bb', 'fixes', 'success', '{}', 'cs', '2024-01-02', '2024-01-02 00:03', NULL, NULL, 'unknown', NULL),
            ('r4', 'aa', 'docs', 'nothing-to-do', '{}', 'other', '2024-01-03', '2024-01-03', NULL, NULL, 'unknown', NULL),
            ('r5', 'bb', 'docs', 'worker-failure', '{}', 'other', NULL, NULL, NULL, NULL, 'unknown', NULL),
            ('r6', 'bb', 'docs', 'build-failed', '{}', 'other', NULL, NULL, NULL, 'build', 'unknown', NULL);
        INSERT INTO new_result_branch (run_id, role, remote_name, base_revision, revision) VALUES
            ('r1', 'pristine-tar', 'p', '', NULL), ('r1', 'main', NULL, 'b', 'r');
        UPDATE run SET result = '{"a": [1]}', failure_details = '{}', result_tags = ARRAY[ROW('v1', 't')::result_tag],
                       logfilenames = '{worker.log}', value = 7, failure_transient = false, branch_url = 'https://h/aa',
                       description = 'd', command = 'fix', context = 'c', instigated_context = 'i', subpath = '', vcs_type = 'git'
         WHERE id = 'r1';
    """)
    return Janitor(cluster, db)


def ids(runs, *flags):
    return [row["id"] for row in runs.json("run", "list", *flags)]


def test_run_list_is_ordered_filtered_and_paged(runs):
    assert ids(runs) == ["r6", "r5", "r4", "r3", "r2", "r1"]
    assert ids(runs, "--codebase", "aa") == ["r4", "r2", "r1"]
    assert ids(runs, "--campaign", "fixes", "--result", "success") == ["r3", "r1"]
    assert ids(runs, "--change-set", "other", "--stage", "build") == ["r6"]
    assert ids(runs, "--worker", "w1") == ids(runs, "--publish-status", "approved") == ["r1"]
    assert ids(runs, "--codebase", "zz") == []
    seen, after = [], []
    while page := ids(runs, "--limit", 1, "-q", *after):
        seen += page
        after = ["--after", page[-1]]
    assert seen == ["r6", "r5", "r4", "r3", "r2", "r1"], "pages meet, also where starts are equal or unknown"
    assert ids(runs, "--after", "r5", "--codebase", "bb") == ["r3"]
    assert runs.json("run", "list", "--worker", "w1") == [
        {"id": "r1", "codebase": "aa", "campaign": "fixes", "start_time": "2024-01-01T00:00:00.000000Z", "duration_s": 60,
         "result_code": "success", "publish_status": "approved", "worker": "w1", "change_set": "cs", "description": "d"}]


def test_run_list_refuses_an_unknown_status(runs):
    assert "did you mean   approved" in runs.refused(2, "run", "list", "--publish-status", "aproved")
    assert runs.refused(3, "run", "list", "--after", "r9") == "error: there is no run r9 to go on behind\n"


def test_run_show_prints_every_field(runs):
    assert runs.json("run", "show", "r1") == {
        "id": "r1", "codebase": "aa", "campaign": "fixes", "command": "fix", "result_code": "success", "description": "d",
        "start_time": "2024-01-01T00:00:00.000000Z", "finish_time": "2024-01-01T00:01:00.000000Z", "duration_s": 60, "worker": "w1",
        "value": 7, "instigated_context": "i", "context": "c", "branch_url": "https://h/aa", "subpath": "", "vcs_type": "git",
        "target_branch_url": None, "main_branch_revision": None, "revision": "x",
        "branches": [{"role": "main", "remote_name": None, "base_revision": "b", "revision": "r"},
                     {"role": "pristine-tar", "remote_name": "p", "base_revision": None, "revision": None}],
        "tags": [{"name": "v1", "revision": "t"}], "publish_status": "approved", "change_set": "cs", "resume_from": None,
        "failure_stage": None, "failure_transient": False, "failure_details": {}, "result": {"a": [1]}, "logs": ["worker.log"]}
    bare = runs.json("run", "show", "r5")
    assert (bare["start_time"], bare["duration_s"], bare["branches"], bare["tags"], bare["logs"]) == (None, None, [], None, [])


def test_run_show_refuses_an_unknown_id(runs):
    assert runs.refused(3, "run", "show", "r9") == "error: there is no run r9\n"
    assert runs.refused(2, "run", "show").startswith("error: missing argument ID")


def status_of(runs, run):
    return runs.db.value(f"SELECT publish_status::text FROM run WHERE id = '{run}'")


def test_run_set_publish_status_writes_the_row(runs):
    assert runs.json("run", "set-publish-status", "r1", "rejected") == {
        "run_id": "r1", "publish_status": "rejected", "before": "approved", "codebase": "aa", "campaign": "fixes", "dry_run": False}
    assert status_of(runs, "r1") == "rejected"
    for word in ("unknown", "blocked", "needs-manual-review", "ignored", "approved"):
        runs.ok("run", "set-publish-status", "r1", word)
        assert status_of(runs, "r1") == word
    assert runs.json("run", "set-publish-status", "r1", "blocked", "--dry-run")["dry_run"]
    assert status_of(runs, "r1") == "approved", "a preview writes nothing"


def test_run_set_publish_status_runs_the_triggers_of_a_run(runs):
    runs.db.execute("DELETE FROM last_run")
    assert runs.json("run", "set-publish-status", "r4", "unknown")["before"] == "unknown"
    assert runs.db.rows("SELECT codebase, last_run_id FROM last_run") == [("aa", "r4")], "also where nothing changes"


def test_run_set_publish_status_refuses_what_cannot_be(runs):
    assert runs.refused(3, "run", "set-publish-status", "r9", "ignored") == "error: there is no run r9\n"
    assert "run r2 cannot be approved: it has no revision" in runs.refused(1, "run", "set-publish-status", "r2", "approved")
    assert "did you mean   approved" in runs.refused(2, "run", "set-publish-status", "r1", "aproved")
    assert runs.refused(2, "run", "set-publish-status", "r1").startswith("error: missing argument STATUS")
    assert [status_of(runs, run) for run in ("r1", "r2")] == ["approved", "unknown"]


def test_run_result_codes_counts(runs):
    assert [(row["result_code"], row["runs"], row["codebases"]) for row in runs.json("run", "result-codes")] == [
        ("build-failed", 2, 2), ("success", 2, 2), ("nothing-to-do", 1, 1), ("worker-failure", 1, 1)]
    assert runs.json("run", "result-codes", "--campaign", "fixes")[0] == {
        "result_code": "success", "runs": 2, "codebases": 2, "newest": "2024-01-02T00:00:00.000000Z"}


def test_run_result_codes_refuses_an_argument(runs):
    assert "unexpected argument" in runs.refused(2, "run", "result-codes", "fixes")
    assert "give --last" in runs.refused(2, "run", "result-codes", "--wanted")
    assert "newest" in runs.refused(2, "run", "result-codes", "--last", "first")


def test_tallies_of_the_last_runs(runs):
    """Of each codebase and campaign one: r2 of aa/fixes, r3 of bb/fixes, r4 of aa/docs, one without times of bb/docs."""
    runs.db.execute("UPDATE run SET failure_transient = true WHERE id = 'r2'; UPDATE run SET start_time = '2024-01-05', "
                    "finish_time = '2024-01-05' WHERE id = 'r6'; "
                    "INSERT INTO candidate (codebase, suite, command) VALUES ('aa', 'fixes', 'x')")

    def codes(*flags):
        return [(row["result_code"], row["runs"]) for row in runs.json("run", "result-codes", *flags)]

    def stages(*flags):
        return [(row["failure_stage"], row["runs"]) for row in runs.json("run", "failure-stages", *flags)]

    assert codes("--last", "newest", "--campaign", "fixes") == [("build-failed", 1), ("success", 1)]
    assert codes("--last", "effective", "--campaign", "fixes") == [("success", 2)]
    assert codes("--last", "newest", "--wanted") == [("build-failed", 1)]
    assert codes("--last", "effective", "--wanted") == [("success", 1)]
    assert stages("--last", "newest", "--campaign", "fixes") == [("build", 1)]
    assert stages("--last", "effective", "--campaign", "fixes") == []
    assert stages("--last", "newest", "--wanted") == [("build", 1)]


def test_run_failure_stages_counts(runs):
    assert [(row["failure_stage"], row["runs"]) for row in runs.json("run", "failure-stages")] == [("build", 2), (None, 1)]
    assert [row["runs"] for row in runs.json("run", "failure-stages", "--campaign", "fixes")] == [1]


def test_run_failure_stages_refuses_an_argument(runs):
    assert "unexpected argument" in runs.refused(2, "run", "failure-stages", "fixes")


# ---- what the next run goes on from ----

def last(runs, *flags):
    return [row["id"] for row in runs.json("run", "last", *flags)]


def test_run_last_is_ordered_filtered_and_paged(runs):
    runs.db.execute("UPDATE run SET start_time = '2023-01-01' WHERE id = 'r5'")
    assert last(runs) == ["r4", "r2", "r6", "r3"]
    runs.db.execute("UPDATE run SET failure_transient = true WHERE id = 'r2'")
    assert last(runs, "--which", "effective", "--codebase", "aa") == ["r4", "r1"]
    assert last(runs, "--which", "unabsorbed") == ["r1", "r6"], "a branch that has not landed, a failure"
    assert last(runs, "--campaign", "docs", "--result", "build-failed") == ["r6"]
    seen, after = [], []
    for _ in range(5):
        seen += last(runs, "--limit", 1, "-q", *after)
        after = ["--after", seen[-1]]
    assert seen == ["r4", "r2", "r6", "r3"]


def test_run_last_refuses_an_unknown_run(runs):
    assert runs.refused(3, "run", "last", "--after", "r9") == "error: there is no run r9\n"
    assert "--which" in runs.refused(2, "run", "last", "--which", "oldest")


def test_run_resume_shows_the_newest_success(runs):
    assert runs.json("run", "resume", "fixes", "x") == {
        "run_id": "r1", "codebase": "aa", "branch_url": "https://h/aa",
        "branches": [{"role": "main", "remote_name": None, "base_revision": "b", "revision": "r"},
                     {"role": "pristine-tar", "remote_name": "p", "base_revision": None, "revision": None}],
        "result": {"a": [1]}}


def test_run_resume_refuses_what_was_rejected(runs):
    assert "no run of campaign docs succeeded with revision x" in runs.refused(3, "run", "resume", "docs", "x")
    runs.db.execute("UPDATE run SET publish_status = 'rejected' WHERE id = 'r1'")
    assert runs.refused(3, "run", "resume", "fixes", "x") == "error: run r1 is not to be resumed: it was rejected\n"


@pytest.fixture
def builds(runs):
    runs.db.execute("""
        INSERT INTO debian_build VALUES ('r1', '1.10', 'sid', 'aa', '{aa,aa-dbg}', '{"e": 1}'), ('r2', '1.9', 'sid', 'aa', NULL, NULL),
            ('r3', '2', 'sid', 'bb', '{}', NULL), ('r1', '1', 'trixie', 'aa', '{}', NULL);
    """)
    return runs


def versions(builds, *flags):
    return [f"{row['distribution']}/{row['source']}/{row['version']}/{row['run_id']}" for row in builds.json("run", "builds", *flags)]


def test_run_builds_is_ordered_filtered_and_paged(builds):
    every = ["sid/aa/1.9/r2", "sid/aa/1.10/r1", "sid/bb/2/r3", "trixie/aa/1/r1"]
    assert versions(builds) == every
    assert versions(builds, "--run", "r1") == [every[1], every[3]]
    assert versions(builds, "--codebase", "aa", "--distribution", "sid") == every[:2]
    assert versions(builds, "--source", "bb") == every[2:3]
    seen, after = [], []
    for _ in range(5):
        seen += versions(builds, "--limit", 1, "-q", *after)
        after = ["--after", seen[-1]]
    assert seen == every
    assert builds.json("run", "builds", "--run", "r1")[0] == {
        "distribution": "sid", "source": "aa", "version": "1.10", "run_id": "r1", "codebase": "aa", "campaign": "fixes",
        "binary_packages": ["aa", "aa-dbg"], "lintian_result": {"e": 1}}


def test_run_builds_refuses_what_is_no_place(builds):
    assert "--after names no build" in builds.refused(2, "run", "builds", "--after", "sid/aa/1")


def test_run_last_version_compares_as_debian_does(builds):
    assert builds.ok("run", "last-version", "aa", "sid") == "1.10\n"
    assert builds.json("run", "last-version", "bb", "sid") == {"version": "2"}


def test_run_last_version_refuses_what_was_never_built(builds):
    assert builds.refused(3, "run", "last-version", "bb", "trixie") == "error: nothing of bb was built for trixie\n"


# ---- what runs leave behind ----

def branches(runs, *flags):
    return [f"{row['run_id']}/{row['role']}" for row in runs.json("run", "branches", *flags)]


def test_run_branches_is_ordered_filtered_and_paged(runs):
    runs.db.execute("""
        INSERT INTO new_result_branch (run_id, role, revision, absorbed) VALUES ('r3', 'main', 'r', NULL);
        UPDATE new_result_branch SET absorbed = true WHERE role = 'pristine-tar';
    """)
    every = ["r1/main", "r1/pristine-tar", "r3/main"]
    assert branches(runs) == every
    assert branches(runs, "--run", "r1") == every[:2] and branches(runs, "--codebase", "bb") == every[2:]
    assert branches(runs, "--revision", "r") == branches(runs, "--absorbed", "no") == [every[0], every[2]]
    assert branches(runs, "--absorbed", "yes") == every[1:2]
    seen, after = [], []
    for _ in range(5):
        seen += branches(runs, "--limit", 1, "-q", *after)
        after = ["--after", seen[-1]]
    assert seen == every
    assert runs.json("run", "branches", "--run", "r3") == [
        {"run_id": "r3", "role": "main", "codebase": "bb", "campaign": "fixes", "absorbed": None, "remote_name": None,
         "base_revision": None, "revision": "r"}]


def test_run_branches_refuses_what_is_no_place(runs):
    assert "--after names no branch" in runs.refused(2, "run", "branches", "--after", "r1")
    assert "--absorbed" in runs.refused(2, "run", "branches", "--absorbed", "maybe")


def test_run_set_absorbed_writes_branch_and_last_run(runs):
    runs.db.execute("UPDATE run SET failure_transient = true WHERE id = 'r2'")
    rows = "SELECT role, absorbed FROM new_result_branch ORDER BY role"
    last = "SELECT last_unabsorbed_run_id FROM last_run WHERE codebase = 'aa' AND campaign = 'fixes'"
    assert runs.json("run", "set-absorbed", "r1", "main", "yes", "--dry-run")["dry_run"]
    assert runs.db.rows(rows) == [("main", False), ("pristine-tar", False)]
    assert runs.json("run", "set-absorbed", "r1", "main", "yes") == {
        "run_id": "r1", "role": "main", "absorbed": True, "before": False, "dry_run": False}
    assert runs.db.value(last) == "r1"
    runs.ok("run", "set-absorbed", "r1", "pristine-tar", "yes")
    assert runs.db.value(last) is None
    assert runs.json("run", "set-absorbed", "r1", "main", "no")["before"] is True
    assert runs.db.value(last) == "r1", "also where one is taken back"


def test_run_set_absorbed_refuses_what_is_not_there(runs):
    assert runs.refused(3, "run", "set-absorbed", "r1", "x", "yes") == "error: run r1 has no branch with role x\n"
    assert 'WHETHER is "true", expected yes or no' in runs.refused(2, "run", "set-absorbed", "r1", "main", "true")


def test_run_followups_is_ordered_filtered_and_paged(runs):
    runs.db.execute("""
        INSERT INTO candidate (codebase, suite, command) VALUES ('aa', 'fixes', 'x'), ('bb', 'docs', 'x');
        INSERT INTO followup VALUES ('r1', 2), ('r1', 1), ('r2', 1);
    """)
    rows = runs.json("run", "followups")
    assert [(row["run_id"], row["candidate_id"]) for row in rows] == [("r1", 1), ("r1", 2), ("r2", 1)]
    assert rows[1] == {"run_id": "r1", "candidate_id": 2, "codebase": "bb", "campaign": "docs", "change_set": None}
    assert len(runs.json("run", "followups", "--run", "r2")) == len(runs.json("run", "followups", "--candidate", 2)) == 1
    for at, row in enumerate(rows):
        assert runs.json("run", "followups", "--after", f"{row['run_id']}/{row['candidate_id']}") == rows[at + 1:]


def test_run_followups_refuses_what_is_no_candidate(runs):
    assert "--candidate" in runs.refused(2, "run", "followups", "--candidate", "x")
    assert "--after names no followup" in runs.refused(2, "run", "followups", "--after", "r1")
    assert '"main" is no id of a candidate' in runs.refused(2, "run", "followups", "--after", "r1/main")


def test_run_delete_lets_another_one_speak(runs):
    last = "SELECT last_run_id FROM last_run WHERE codebase = 'aa' AND campaign = 'fixes'"
    assert runs.json("run", "delete", "r2", "--dry-run")["dry_run"] and runs.db.value(last) == "r2"
    assert runs.json("run", "delete", "r2") == {"run_id": "r2", "codebase": "aa", "campaign": "fixes", "change_set": "cs",
                                                "builds": 0, "reviews": 0, "followups": 0, "dry_run": False}
    assert runs.db.value(last) == "r1" and runs.db.value("SELECT count(*) FROM run") == 5
    runs.db.execute("INSERT INTO review (run_id, verdict) VALUES ('r1', 'approved')")
    assert runs.json("run", "delete", "r1", "--parts")["reviews"] == 1
    assert runs.db.rows(last) == [], "nobody is left"


def test_run_delete_refuses_what_something_names(runs):
    runs.db.execute("INSERT INTO review (run_id, verdict) VALUES ('r1', 'approved')")
    assert runs.refused(1, "run", "delete", "r1") == "error: a review names run r1\n  they can go with it: --parts\n"
    assert runs.refused(3, "run", "delete", "r9") == "error: there is no run r9\n"
    assert runs.db.value("SELECT count(*) FROM run") == 6


def queued(runs):
    return runs.db.rows("SELECT codebase, suite, command, bucket::text, refresh, requester FROM queue ORDER BY id")


def test_run_reschedule_asks_for_it_again(runs):
    assert runs.json("run", "reschedule", "r1", "--dry-run")["dry_run"] and queued(runs) == []
    done = runs.json("run", "reschedule", "r1", "--refresh", "--requester", "alice", "--bucket", "reschedule")
    assert (done["codebase"], done["campaign"], done["bucket"], done["command"]) == ("aa", "fixes", "reschedule", "fix")
    assert queued(runs) == [("aa", "fixes", "fix", "reschedule", True, "alice")]
    runs.db.execute("DELETE FROM queue; INSERT INTO candidate (codebase, suite, command) VALUES ('aa', 'fixes', 'newer')")
    assert runs.json("run", "reschedule", "r1")["command"] is None
    assert queued(runs)[0][2] == "newer"


def test_run_reschedule_refuses_an_unknown_run(runs):
    assert runs.refused(3, "run", "reschedule", "r9") == "error: there is no run r9\n"
    assert runs.refused(3, "run", "reschedule", "r2").startswith("error: "), "no candidate, and no command that ran"
    assert "did you mean   reschedule" in runs.refused(2, "run", "reschedule", "r1", "--bucket", "resched")
    assert queued(runs) == []


def test_defects_are_kept_on_demand(runs):
    assert runs.refused(1, "--defects", "correct,D-66", "run", "delete", "r2").startswith("error: last_run names run r2\n")
    assert runs.json("run", "delete", "r2")["run_id"] == "r2"


# ---- active ----

def test_run_active_shows_what_is_claimed(runs):
    runs.db.execute("""
        INSERT INTO queue (codebase, suite, command, priority, bucket, estimated_duration, change_set) VALUES
            ('aa', 'fixes', 'fix', 1, 'default', '90 s', 'cs'), ('bb', 'docs', 'doc', 2, 'default', NULL, NULL);
        UPDATE holdfast.queue_assigner SET active = 'holdfast';
    """)
    assert runs.json("run", "active") == []
    runs.ok("queue", "claim", "--holder", "w1", "--lease", "1h")
    runs.ok("queue", "claim", "--holder", "w2")
    new, old = runs.json("run", "active")
    assert 0 <= old.pop("age_s") < 3600 and old.pop("until") > old.pop("claimed_at")
    assert old == {"fence": 1, "queue_id": 1, "codebase": "aa", "campaign": "fixes", "holder": "w1", "estimated_duration_s": 90,
                   "attempt": 1, "attempts_max": 5, "change_set": "cs", "command": "fix"}
    assert (new["fence"], new["codebase"], new["estimated_duration_s"]) == (2, "bb", None)
    for flags, fences in ((["--holder", "w1"], [1]), (["--codebase", "bb"], [2]), (["--campaign", "fixes"], [1]),
                          (["--before", 2], [1]), (["--before", 1], [])):
        assert [row["fence"] for row in runs.json("run", "active", *flags)] == fences, flags
    runs.db.execute("DELETE FROM queue WHERE id = 1")
    assert [row["codebase"] for row in runs.json("run", "active")] == ["bb", None], "it is worked on all the same"
    runs.ok("queue", "finish", "2", "--holder", "w2")
    runs.db.execute("UPDATE holdfast.queue_claim SET until = clock_timestamp() WHERE fence = 1")
    assert runs.json("run", "active") == [], "finished, and out of time"


def test_run_active_says_where_the_originals_are(runs):
    runs.db.execute("UPDATE holdfast.queue_assigner SET active = 'original'")
    done = run(*runs.flags, "run", "active")
    assert done.returncode == 0 and "the original hands out this queue" in done.stderr


def test_run_active_refuses_what_is_no_fence(runs):
    assert "--before" in runs.refused(2, "run", "active", "--before", "r1")
    assert runs.refused(2, "run", "active", "fixes").startswith("error: unexpected argument")


# ---- watch ----

class Watch:
    """`run watch` in a process; what it says comes line by line."""

    def __init__(self, runs, *flags):
        bound = [] if "--timeout" in flags else ["--timeout", "2m"]  # a line that never comes is a failure, not a wait
        self.child = subprocess.Popen([PROGRAM, *runs.flags, "run", "watch", "--interval", "100ms", *bound, *flags], env=environment(),
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def line(self):
        return json.loads(self.child.stdout.readline())

    def end(self, number=None):
        """(exit code, the lines that were not read, stderr)"""
        if number:
            self.child.send_signal(number)
        out, err = self.child.communicate(timeout=60)
        return self.child.returncode, [json.loads(line)["id"] for line in out.splitlines()], err


def end_run(runs, run_id, campaign="fixes", ago="0 s", lasted="1 min"):
    runs.db.execute(f"""
        INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, start_time, finish_time)
        SELECT '{run_id}', 'aa', '{campaign}', 'success', '{{}}', 'cs', ended - interval '{lasted}', ended
          FROM (SELECT now() AT TIME ZONE 'UTC' - interval '{ago}' AS ended) AS t""")


def test_run_watch_shows_each_new_run_once(runs):
    end_run(runs, "old", ago="1 min")
    watch = Watch(runs, "--campaign", "fixes", "--since", "2024-01-02", "--longest", "360d")
    assert [watch.line()["id"] for _ in range(3)] == ["r2", "r3", "old"], "the earliest end first"
    end_run(runs, "other", campaign="docs")
    end_run(runs, "n1")
    assert watch.line()["id"] == "n1"
    end_run(runs, "late", ago="5 min")
    assert watch.line()["id"] == "late", "stored after one that ended later"
    end_run(runs, "n2")
    shown = watch.line()
    assert (shown["id"], shown["duration_s"], shown["campaign"]) == ("n2", 60, "fixes")
    assert watch.end(signal.SIGINT) == (0, [], "")


def test_run_watch_shows_what_has_no_end_behind_what_has(runs):
    runs.db.execute("CREATE PROCEDURE timeless(id text, began timestamp, ended timestamp) LANGUAGE sql AS $$ INSERT INTO run (id, "
                    "codebase, suite, result_code, logfilenames, change_set, start_time, finish_time) VALUES (id, 'aa', 'fixes', "
                    "'success', '{}', 'cs', began, ended) $$; CALL timeless('before', NULL, NULL);"
                    "CALL timeless('long over', NULL, '2023-02-03'); CALL timeless('over', NULL, '2024-02-03')")
    end_run(runs, "old", ago="1 min")
    watch = Watch(runs, "--campaign", "fixes", "--since", "2024-01-02", "--longest", "360d")
    assert [watch.line()["id"] for _ in range(4)] == ["r2", "r3", "over", "old"], "what has no end may have ended at any time"
    runs.db.execute("BEGIN; CALL timeless('b', NULL, NULL); CALL timeless('a', now() AT TIME ZONE 'UTC', NULL);"
                    "CALL timeless('c', NULL, '2024-02-03'); CALL timeless('d', NULL, now() AT TIME ZONE 'UTC')")
    end_run(runs, "z")
    runs.db.execute("COMMIT")
    assert [watch.line()["id"] for _ in range(4)] == ["d", "z", "a", "b"], "c was over long ago: not read again at each look"
    end_run(runs, "n")
    assert watch.line()["id"] == "n", "each once"
    assert watch.end(signal.SIGINT) == (0, [], "")


def test_run_watch_begins_with_what_is_new(runs):
    end_run(runs, "old", ago="1 s")
    watch = Watch(runs, "--limit", "2")
    for number in range(1200):  # those before its first look are not new to it
        if watch.child.poll() is not None:
            break
        end_run(runs, f"n{number}")
        time.sleep(0.05)
    code, ids, err = watch.end()
    assert (code, len(ids), err) == (0, 2, "") and "old" not in ids


@pytest.mark.parametrize("flags, code", [([], 0), (["--limit", "1"], 8)])
def test_run_watch_ends_with_its_time(runs, flags, code):
    done, ids, err = Watch(runs, "--timeout", "300ms", *flags).end()
    assert (done, ids) == (code, []) and (code == 0) == (err == "")


def test_run_watch_goes_through_pages(runs):
    runs.db.execute("""
        INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, start_time, finish_time)
        SELECT 'm' || n, 'aa', 'many', 'success', '{}', 'cs', '2024-02-01', timestamp '2024-02-01' + n / 3 * interval '1 s'
          FROM generate_series(1, 2500) AS n""")
    watch = Watch(runs, "--campaign", "many", "--since", "2024-01-31", "--longest", "360d", "--limit", "2500")
    code, ids, err = watch.end()
    assert (code, len(ids), len(set(ids)), err) == (0, 2500, 2500, "")


def test_run_watch_refuses_what_is_no_time(runs):
    assert '"soon" is no time' in runs.refused(2, "run", "watch", "--since", "soon")
    assert "--interval" in runs.refused(2, "run", "watch", "--interval", "0s")


# ---- diff ----

def test_run_diff_shows_what_differs(runs):
    runs.db.execute("""
        INSERT INTO new_result_branch (run_id, role, base_revision, revision) VALUES ('r3', 'main', 'b', 's'), ('r3', 'debian', NULL, 'd');
        UPDATE run SET result_tags = ARRAY[ROW('v1', 't2')::result_tag, ROW('v2', 't')::result_tag], value = 7 WHERE id = 'r3';
    """)
    rows = runs.json("run", "diff", "r1", "r3")
    assert all(row["differs"] for row in rows)
    told = {row["field"]: (row["run"], row["other"]) for row in rows}
    assert told == {"codebase": ("aa", "bb"), "command": ("fix", None), "description": ("d", None),
                    "duration_s": ("60.000000", "180.000000"), "worker": ("w1", None), "instigated_context": ("i", None),
                    "context": ("c", None), "branch_url": ("https://h/aa", None), "subpath": ("", None), "vcs_type": ("git", None),
                    "revision": ("x", None), "publish_status": ("approved", "unknown"), "failure_transient": ("false", None),
                    "failure_details": ("{}", None), "result": ('{"a": [1]}', None), "branch:main": ("r", "s"),
                    "branch:debian": (None, "d"), "tag:v1": ("t", "t2"), "tag:v2": (None, "t")}
    assert runs.json("run", "diff", "r1", "r1") == []
    assert not any(row["differs"] for row in runs.json("run", "diff", "r1", "r1", "--all"))
    assert run(*runs.flags, "run", "diff", "r1", "r3", "--check").returncode == 4
    assert runs.ok("run", "diff", "r2", "r2", "--check", "--json") == "[]\n"


def test_run_diff_refuses_an_unknown_run(runs):
    assert runs.refused(3, "run", "diff", "r1", "r9") == "error: there is no run r9\n"
    assert runs.refused(2, "run", "diff", "r1").startswith("error: missing argument OTHER")
