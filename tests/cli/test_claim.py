"""holdfast queue claim and its kin: who holds what, what the end of a lease does to the queue, and what is refused."""

import json
import select
import signal
import subprocess

import pytest

from command import PROGRAM, environment, run
from test_janitor import Janitor, add


@pytest.fixture
def queue(cluster, db):
    """Three codebases, waiting in this order: aa, bb, cc."""
    janitor = Janitor(cluster, db)
    db.execute("INSERT INTO codebase (name, branch_url, url) VALUES ('aa', 'https://h1/aa', 'https://h1/aa'), "
               "('bb', 'lp:bb', 'lp:bb'), ('cc', NULL, NULL)")
    for codebase, offset in (("aa", 1), ("bb", 2), ("cc", 3)):
        add(janitor, codebase, "fixes", "--offset", offset)
    return janitor


def states(queue):
    return queue.db.rows("SELECT queue_id, state::text, attempt FROM holdfast.queue_claim ORDER BY fence")


def waiting(queue):
    return [row["codebase"] for row in queue.json("queue", "list")]


def run_out(queue):
    """The time of all leases is over."""
    queue.db.execute("UPDATE holdfast.queue_claim SET until = clock_timestamp() - interval '1 second' WHERE state = 'leased'")


# ---- claim ----

def test_queue_claim_leases_the_next_entry(queue):
    first = queue.json("queue", "claim", "--holder", "w1", "--lease", "1h")
    assert (first["fence"], first["attempt"], first["codebase"], first["branch_url"]) == (1, 1, "aa", "https://h1/aa")
    assert queue.db.row("SELECT holder, state::text, attempts_max, until - claimed_at BETWEEN '59 min' AND '61 min', "
                        "generation = (SELECT xmin::text::bigint FROM queue WHERE id = queue_id) "
                        "FROM holdfast.queue_claim") == ("w1", "leased", 5, True, True)
    assert [queue.json("queue", "claim")["codebase"] for _ in range(2)] == ["bb", "cc"]
    assert waiting(queue) == ["aa", "bb", "cc"], "the original sees the queue as it is"
    assert queue.json("queue", "next")["codebase"] == "aa", "looking is not claiming"


def test_queue_claim_obeys_its_filters(queue):
    assert queue.json("queue", "claim", "--codebase", "cc")["codebase"] == "cc"
    assert queue.json("queue", "claim", "--exclude-host", "h1")["codebase"] == "bb", "no host is excluded by no list"
    assert "no free queue item" in queue.refused(3, "queue", "claim", "--campaign", "other")
    assert queue.json("queue", "claim", "--campaign", "fixes")["codebase"] == "aa"


def test_queue_claim_previews(queue):
    assert queue.json("queue", "claim", "--dry-run")["codebase"] == "aa"
    assert states(queue) == []


def test_queue_claim_refuses_when_nothing_is_free(queue):
    for _ in range(3):
        queue.ok("queue", "claim")
    assert queue.refused(3, "queue", "claim") == "error: no free queue item passes the filters\n"
    queue.refused(2, "queue", "claim", "--lease", "0s")
    queue.refused(2, "queue", "claim", "--lease", "8d")
    assert "a claim needs a holder" in queue.refused(1, "queue", "claim", "--holder", "")
    assert len(states(queue)) == 3


def test_a_lease_that_ran_out_is_free_again(queue):
    queue.json("queue", "claim", "--holder", "w1")
    run_out(queue)
    again = queue.json("queue", "claim", "--holder", "w2", "--codebase", "aa")
    assert (again["fence"], again["attempt"], again["codebase"]) == (2, 2, "aa")
    assert states(queue) == [(1, "expired", 1), (1, "leased", 2)]
    assert "is not held any more: it is expired" in queue.refused(5, "queue", "finish", "1", "--holder", "w1")
    assert waiting(queue) == ["aa", "bb", "cc"]


def test_leases_that_run_out_too_often_leave_the_entry_dead(queue):
    for attempt in (1, 2):
        assert queue.json("queue", "claim", "--codebase", "aa", "--attempts", 2)["attempt"] == attempt
        run_out(queue)
    assert queue.refused(3, "queue", "claim", "--codebase", "aa")
    assert queue.json("queue", "claim")["codebase"] == "bb"
    assert states(queue) == [(1, "expired", 1), (1, "dead", 2), (2, "leased", 1)]
    add(queue, "aa")
    assert queue.json("queue", "claim", "--codebase", "aa")["attempt"] == 1, "asked for again, it is alive"


# ---- renew ----

def test_queue_renew_extends_a_lease(queue):
    queue.ok("queue", "claim", "--lease", "10s")
    shown = queue.json("queue", "renew", "1", "--lease", "2h")
    assert (shown["fence"], shown["state"], shown["requeued"]) == (1, "leased", False)
    assert queue.db.value("SELECT until - clock_timestamp() > interval '119 min' FROM holdfast.queue_claim")


def test_queue_renew_refuses_what_is_not_held(queue):
    queue.ok("queue", "claim", "--holder", "w1")
    assert queue.refused(5, "queue", "renew", "1", "--holder", "w2") == (
        "error: the claim with fence 1 is another's\n  its holder has to be named: --holder WHO\n")
    run_out(queue)
    assert "it is expired" in queue.refused(5, "queue", "renew", "1", "--holder", "w1"), "no matter who swept"
    assert queue.refused(3, "queue", "renew", "99") == "error: there is no claim with fence 99\n"
    assert '"x" is no fence' in queue.refused(2, "queue", "renew", "x")
    assert '"0" is no fence' in queue.refused(2, "queue", "renew", "0")


# ---- finish ----

def test_queue_finish_removes_the_entry(queue):
    queue.ok("queue", "claim")
    shown = queue.json("queue", "finish", "1")
    assert (shown["state"], shown["requeued"], shown["until"]) == ("finished", False, None)
    assert waiting(queue) == ["bb", "cc"]
    assert queue.json("queue", "finish", "1") == shown, "twice is once"
    assert states(queue) == [(1, "finished", 1)]


def test_queue_finish_leaves_what_was_asked_for_again(queue):
    queue.ok("queue", "claim")
    add(queue, "aa", "fixes", "--bucket", "manual", "--requester", "me")
    assert queue.json("queue", "finish", "1")["requeued"] is True
    assert queue.json("queue", "list")[0]["requester"] == "me"
    assert queue.json("queue", "claim")["attempt"] == 1


def test_queue_finish_refuses_a_lost_lease(queue):
    queue.ok("queue", "claim")
    run_out(queue)
    assert "it is expired" in queue.refused(5, "queue", "finish", "1")
    queue.ok("queue", "claim")
    assert "it is expired" in queue.refused(5, "queue", "finish", "1")
    assert queue.json("queue", "finish", "2")["state"] == "finished"
    assert queue.refused(3, "queue", "finish", "3")


def test_an_entry_that_went_away_takes_no_fence_with_it(queue):
    queue.ok("queue", "claim")
    queue.ok("queue", "remove", "1")
    add(queue, "aa")
    assert queue.json("queue", "claim", "--codebase", "aa")["fence"] == 2
    assert queue.json("queue", "finish", "1")["requeued"] is True, "another entry waits, and is not touched"
    assert states(queue) == [(1, "finished", 1), (4, "leased", 1)]


# ---- fail, release ----

def test_queue_fail_frees_the_entry_until_it_is_dead(queue):
    for attempt, state in ((1, "failed"), (2, "dead")):
        fence = queue.json("queue", "claim", "--codebase", "aa", "--attempts", 2)["fence"]
        shown = queue.json("queue", "fail", fence, "--reason", "no space")
        assert (shown["state"], shown["requeued"]) == (state, True)
    assert states(queue) == [(1, "failed", 1), (1, "dead", 2)]
    assert queue.db.column("SELECT DISTINCT reason FROM holdfast.queue_claim") == ["no space"]
    assert waiting(queue)[0] == "aa" and queue.refused(3, "queue", "claim", "--codebase", "aa")


def test_queue_fail_refuses_another_holder(queue):
    queue.ok("queue", "claim", "--holder", "w1")
    assert "is another's" in queue.refused(5, "queue", "fail", "1")
    assert states(queue) == [(1, "leased", 1)]


def test_queue_release_is_no_attempt(queue):
    queue.ok("queue", "claim")
    assert queue.json("queue", "release", "1")["state"] == "released"
    assert queue.json("queue", "claim")["attempt"] == 1
    assert states(queue) == [(1, "released", 1), (1, "leased", 1)]


def test_queue_release_refuses_an_unknown_fence(queue):
    assert queue.refused(3, "queue", "release", "7") == "error: there is no claim with fence 7\n"
    assert "99999999999999999999" in queue.refused(2, "queue", "release", "99999999999999999999")


# ---- claims, prune ----

def test_queue_claims_tells_what_became_of_them(queue):
    for holder in ("w1", "w2", "w1"):
        queue.ok("queue", "claim", "--holder", holder)
    queue.ok("queue", "finish", "1", "--holder", "w1")
    shown = queue.json("queue", "claims")
    assert [(row["fence"], row["state"], row["holder"]) for row in shown] == [
        (3, "leased", "w1"), (2, "leased", "w2"), (1, "finished", "w1")]
    assert shown[2]["ended_at"] >= shown[2]["claimed_at"] and shown[0]["ended_at"] is None
    assert [row["fence"] for row in queue.json("queue", "claims", "--state", "leased", "--holder", "w1")] == [3]
    assert [row["fence"] for row in queue.json("queue", "claims", "--before", 3)] == [2, 1]
    run_out(queue)
    assert {row["state"] for row in queue.json("queue", "claims", "--before", 4)} == {"expired", "finished"}


def test_queue_claims_refuses_an_unknown_state(queue):
    queue.refused(2, "queue", "claims", "--state", "held")
    queue.refused(2, "queue", "claims", "--before", "0")


def test_queue_prune_forgets_what_ended(queue):
    for _ in range(3):
        queue.ok("queue", "claim", "--attempts", 1)
    queue.ok("queue", "finish", "1")
    queue.ok("queue", "fail", "2")
    assert queue.json("queue", "prune")["changed"] == 0
    assert queue.json("queue", "prune", "--older-than", "0s", "--dry-run") == {
        "changed": 1, "unchanged": 0, "ids": [], "dry_run": True}
    assert queue.json("queue", "prune", "--older-than", "0s")["changed"] == 1
    assert states(queue) == [(2, "dead", 1), (3, "leased", 1)], "a dead one would come to life"


def test_queue_prune_refuses_a_time_to_come(queue):
    queue.refused(2, "queue", "prune", "--older-than", "-1s")


# ---- assigner ----

def test_queue_assigner_hands_the_queue_over(queue):
    assert queue.json("queue", "assigner")["active"] == "holdfast"
    assert queue.json("queue", "assigner", "original", "--dry-run")["active"] == "original"
    assert queue.json("queue", "assigner", "original")["active"] == "original"
    message = queue.refused(5, "queue", "claim")
    assert message == ("error: the original hands out this queue\n"
                       "  stop its runner, then: holdfast queue assigner holdfast\n")
    assert queue.json("queue", "next")["codebase"] == "aa"
    since = queue.json("queue", "assigner")["since"]
    assert queue.json("queue", "assigner", "original")["since"] == since, "it was so before"
    queue.ok("queue", "assigner", "holdfast")
    assert queue.json("queue", "claim")["codebase"] == "aa"


def test_queue_assigner_refuses_while_leases_are_live(queue):
    queue.ok("queue", "claim")
    assert queue.refused(5, "queue", "assigner", "original").startswith("error: 1 leases are live\n")
    assert queue.refused(2, "queue", "assigner", "orignal") == \
        'error: NAME is "orignal", expected original or holdfast\n  did you mean   original\n'
    run_out(queue)
    assert queue.json("queue", "assigner", "original")["active"] == "original"


def test_where_runs_are_stored_the_original_assigns(cluster, empty):
    """A database that the original has used, adopted by the migration."""
    import conftest
    for migration in conftest.migrations():
        if migration.name == "claims":
            empty.execute("INSERT INTO codebase (name) VALUES ('aa'); INSERT INTO change_set VALUES ('cs', 'fixes'); "
                          "INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set) "
                          "VALUES ('r', 'aa', 'fixes', 'success', '{}', 'cs')")
        migration.up(empty)
    assert empty.value("SELECT active::text FROM holdfast.queue_assigner") == "original"


# ---- pauses ----

def claimable(queue):
    """What a claim would get, without getting it."""
    done = run(*queue.flags, "--json", "queue", "claim", "--dry-run")
    assert done.returncode in (0, 3), done
    return json.loads(done.stdout)["codebase"] if done.returncode == 0 else None


def test_queue_pause_holds_back_what_it_names(queue):
    queue.db.execute("UPDATE queue SET bucket = 'hook' WHERE codebase = 'bb'")
    assert claimable(queue) == "bb"
    queue.ok("queue", "pause", "--bucket", "hook", "--reason", "too loud", "--dry-run")
    assert claimable(queue) == "bb", "a preview pauses nothing"
    assert queue.json("queue", "pause", "--bucket", "hook", "--reason", "too loud")["changed"] == 1
    assert claimable(queue) == "aa"
    queue.ok("queue", "pause", "--host", "h1", "--for", "1h")
    assert claimable(queue) == "cc"
    assert queue.json("queue", "next")["codebase"] == "bb", "looking is not claiming"
    queue.ok("queue", "pause")
    assert queue.refused(3, "queue", "claim").startswith("error: the queue is paused\n")
    assert states(queue) == []


def test_queue_pause_refuses_what_is_no_bucket(queue):
    assert "did you mean" in queue.refused(2, "queue", "pause", "--bucket", "hok")
    assert "not both" in queue.refused(2, "queue", "pause", "--bucket", "hook", "--host", "h1")
    queue.refused(2, "queue", "pause", "--for", "0s")
    assert "1 to 1024 bytes, not 0" in queue.refused(1, "queue", "pause", "--host", "")
    assert queue.json("queue", "pauses") == []


def test_a_pause_leaves_what_is_claimed(queue):
    claim = queue.json("queue", "claim", "--holder", "w1")
    queue.ok("queue", "pause")
    queue.ok("queue", "renew", claim["fence"], "--holder", "w1")
    queue.ok("queue", "finish", claim["fence"], "--holder", "w1")
    assert waiting(queue) == ["bb", "cc"]


def test_a_pause_says_when_nobody_heeds_it(queue):
    queue.ok("queue", "assigner", "original")
    done = run(*queue.flags, "queue", "pause")
    assert done.returncode == 0 and "knows of no pause" in done.stderr


def test_queue_resume_ends_one_pause(queue):
    queue.ok("queue", "pause")
    queue.ok("queue", "pause", "--host", "h1")
    queue.ok("queue", "resume")
    assert claimable(queue) == "bb"
    queue.ok("queue", "resume", "--host", "h1")
    assert claimable(queue) == "aa"


def test_queue_resume_refuses_what_is_not_paused(queue):
    assert queue.refused(3, "queue", "resume") == "error: the queue is not paused\n"
    assert queue.refused(3, "queue", "resume", "--bucket", "hook") == "error: bucket hook is not paused\n"
    queue.ok("queue", "pause", "--for", "1h")
    queue.db.execute("UPDATE holdfast.queue_pause SET until = clock_timestamp() - interval '1 second'")
    assert claimable(queue) == "aa", "it ended by itself"
    assert queue.refused(3, "queue", "resume") == "error: the queue is not paused\n"


def test_queue_pauses_lists_what_has_not_ended(queue):
    queue.ok("queue", "pause", "--host", "h1", "--for", "1h", "--reason", "rate limited")
    queue.ok("queue", "pause", "--reason", "first")
    queue.ok("queue", "pause", "--reason", "then")
    queue.ok("queue", "pause", "--bucket", "hook", "--for", "1h")
    queue.db.execute("UPDATE holdfast.queue_pause SET until = clock_timestamp() WHERE kind = 'bucket'")
    rows = queue.json("queue", "pauses")
    assert [(row["kind"], row["name"], row["reason"], row["until"] is None) for row in rows] == [
        ("queue", None, "then", True), ("host", "h1", "rate limited", False)]


def test_queue_pauses_refuses_an_argument(queue):
    assert "unexpected argument" in queue.refused(2, "queue", "pauses", "hook")


# ---- watch ----

def test_queue_watch_shows_each_change(queue):
    watch = subprocess.Popen([PROGRAM, *queue.flags, "queue", "watch", "--interval", "100ms", "--timeout", "2m"], env=environment(),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def line():
        return json.loads(watch.stdout.readline())

    for _ in range(1200):  # what came before its first look is not new to it
        queue.db.execute("UPDATE queue SET priority = priority + 1 WHERE codebase = 'aa'")
        if select.select([watch.stdout], [], [], 0.05)[0]:
            break
    moved = line()
    assert (moved["event"], moved["codebase"], moved["campaign"], moved["bucket"], moved["bucket_before"]) == (
        "moved", "aa", "fixes", "default", "default") and moved["priority"] > moved["priority_before"]
    watch.send_signal(signal.SIGSTOP)
    queue.db.execute("DELETE FROM queue WHERE codebase = 'bb'; UPDATE queue SET bucket = 'hook' WHERE codebase = 'cc'; "
                     "INSERT INTO queue (codebase, suite, priority) VALUES ('bb', 'docs', 7)")
    watch.send_signal(signal.SIGCONT)
    seen = []
    while len(seen) < 3:
        told = line()
        if told["codebase"] != "aa":
            seen.append((told["event"], told["codebase"], told["campaign"], told["bucket"], told["bucket_before"]))
    assert seen == [("gone", "bb", "fixes", "default", None), ("moved", "cc", "fixes", "hook", "default"),
                    ("added", "bb", "docs", "default", None)]
    watch.send_signal(signal.SIGINT)
    out, err = watch.communicate(timeout=60)
    assert (watch.returncode, err) == (0, "")


def test_queue_watch_refuses_what_is_no_time(queue):
    assert "--interval" in queue.refused(2, "queue", "watch", "--interval", "often")
    assert "--timeout" in queue.refused(8, "queue", "watch", "--limit", "1", "--timeout", "500ms", "--interval", "100ms")
    assert queue.ok("queue", "watch", "--timeout", "500ms", "--interval", "100ms") == ""
