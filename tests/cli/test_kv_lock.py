"""holdfast kv lock: one holder, growing fences, and commands that run under a lock. On LMDB."""

import json
import os
import signal
import subprocess
import sys

import pytest

from command import PROGRAM, environment, ok, refused, run
from kv_store import Store


@pytest.fixture
def store(tmp_path):
    return Store(f"lmdb:{tmp_path}/store").made()


def acquire(store, name, owner, *more):
    return store.json("lock", "acquire", name, "--owner", owner, *more)


def test_kv_lock_acquire_gives_growing_fences(store):
    mine = acquire(store, "job", "me", "--ttl", "1h")
    assert (mine["name"], mine["owner"], mine["held"]) == ("job", "me", True) and mine["acquired"] < mine["expires"]
    again = acquire(store, "job", "me", "--ttl", "2h")
    assert again["fence"] == mine["fence"] and again["expires"] > mine["expires"]
    assert store.ok("lock", "acquire", "short", "--owner", "me", "--ttl", "1ms", "-o", "raw") == "1\n"
    assert store.ok("lock", "acquire", "short", "--owner", "you", "--wait", "30s", "-o", "raw") == "2\n"
    owners = {store.json("lock", "acquire", name)["owner"] for name in "ab"}
    assert len(owners) == 2, "an owner that is not named is a random one"
    assert store.json("lock", "acquire", "job", "--namespace", "other")["fence"] == 1


def test_kv_lock_acquire_refuses_what_another_holds(store):
    before = acquire(store, "job", "me", "--ttl", "1h")
    for more in ((), ("--owner", "you")):
        assert store.refused(5, "lock", "acquire", "job", *more) == 'error: lock "job" is held by "me" with fence 1\n'
    late = store.refused(8, "lock", "acquire", "job", "--wait", "20ms")
    assert late == 'error: the deadline passed: lock "job" is held by "me" with fence 1\n'
    assert "1 to 128 bytes" in store.refused(2, "lock", "acquire", "")
    assert "1 to 128 bytes" in store.refused(2, "lock", "acquire", "other", "--owner", "o" * 129)
    assert "--ttl is 0" in store.refused(2, "lock", "acquire", "other", "--ttl", "0")
    assert store.json("lock", "list") == [before]


def test_kv_lock_release_lets_the_next_one_in(store):
    mine = acquire(store, "job", "me", "--ttl", "1h")
    assert store.ok("lock", "release", "job", "--owner", "me", "--fence", mine["fence"]) == "1 lock changed\n"
    assert acquire(store, "job", "you", "--ttl", "1h")["fence"] == mine["fence"] + 1
    assert store.json("lock", "release", "job", "--owner", "you") == {"changed": 1, "unchanged": 0, "ids": []}


def test_kv_lock_release_refuses_who_does_not_hold_it(store):
    mine = acquire(store, "job", "me", "--ttl", "1h")
    assert "is not held by \"you\"" in store.refused(5, "lock", "release", "job", "--owner", "you")
    assert "with fence 7" in store.refused(5, "lock", "release", "job", "--owner", "me", "--fence", 7)
    assert store.refused(2, "lock", "release", "job") == "error: release needs --owner: who holds it\n"
    assert store.error(3, "lock", "release", "none", "--owner", "me")["code"] == "not-found"
    assert store.json("lock", "status", "job") == mine


def test_kv_lock_status_tells_held_from_released(store):
    mine = acquire(store, "job", "me", "--ttl", "1h")
    assert store.json("lock", "status", "job") == mine
    store.ok("lock", "release", "job", "--owner", "me")
    released = store.json("lock", "status", "job")
    assert (released["held"], released["owner"], released["fence"]) == (False, "me", mine["fence"])


def test_kv_lock_status_refuses_what_nobody_ever_held(store):
    assert store.refused(3, "lock", "status", "job") == 'error: nobody ever held lock "job"\n'
    assert "1 to 128 bytes" in store.refused(2, "lock", "status", "n" * 129)


def test_kv_lock_list_is_by_name(store):
    assert store.json("lock", "list") == []
    for name in ("b", "ü", "a"):
        acquire(store, name, "me", "--ttl", "1h")
    store.ok("put", "a key", "is no lock")
    assert [lock["name"] for lock in store.json("lock", "list")] == ["a", "b", "ü"]
    assert [lock["name"] for lock in store.json("lock", "list", "--limit", 1, "-q")] == ["a"]
    store.ok("clear", "--yes")
    assert len(store.json("lock", "list")) == 3
    assert store.json("lock", "list", "--namespace", "other") == []


def test_kv_lock_list_refuses_an_unknown_field(store):
    assert "unknown field" in store.refused(2, "lock", "list", "--json=key")


def test_a_noun_of_two_words_is_spelt_out(store):
    assert refused(2, "kv", "lcok") == 'error: unknown command "kv lcok"\n  did you mean   holdfast kv lock\n'
    assert refused(2, "kv", "lock", "aquire").endswith("did you mean   holdfast kv lock acquire\n")
    assert refused(2, "help", "kv", "lock", "rn").endswith("did you mean   holdfast help kv lock run\n")
    assert refused(2, "man", "kv", "lokc").startswith('error: no command or topic "lokc"\n')
    for way in (("kv", "lock"), ("help", "kv", "lock")):
        assert "\n  kv lock run NAME -- CMD..." in ok(*way)
    assert "\n  kv lock " in ok("kv") and "\n  kv checkpoint " in ok("kv")
    assert ok("man", "kv", "lock", env={"MANPAGER": "cat"}).startswith("holdfast-kv-lock(1)")
    store.ok("put", "lock", "is a key")
    assert store.ok("get", "lock") == "is a key\n"


# ---- run ----

SHOW = 'echo "$HOLDFAST_FENCE $HOLDFAST_LOCK_OWNER"; exit 7'


def test_kv_lock_run_holds_it_while_the_command_runs(store):
    acquire(store, "job", "before", "--ttl", "1ms")
    done = run("kv", "lock", "--store", store.url, "run", "job", "--owner", "me", "--wait", "30s", "--", "sh", "-c", SHOW)
    assert (done.returncode, done.stdout, done.stderr) == (7, "2 me\n", "")
    after = store.json("lock", "status", "job")
    assert (after["held"], after["owner"], after["fence"]) == (False, "me", 2)
    inside = store.ok("lock", "run", "job", "--ttl", "1h", "--", PROGRAM, "kv", "lock", "status", "job", "--store",
                      store.url, "--json=held,fence")
    assert json.loads(inside) == {"fence": 3, "held": True}


def test_kv_lock_run_refuses_what_another_holds(store, tmp_path):
    acquire(store, "job", "me", "--ttl", "1h")
    made = tmp_path / "made"
    assert "is held by \"me\"" in store.refused(5, "lock", "run", "job", "--", "touch", made)
    assert "is held by \"me\"" in store.refused(8, "lock", "run", "job", "--wait", "20ms", "--", "touch", made)
    assert not made.exists()
    assert store.json("lock", "status", "job")["held"]


def test_kv_lock_run_gives_it_back_when_there_is_no_such_program(store):
    assert "could not run /nowhere/x" in store.refused(69, "lock", "run", "job", "--", "/nowhere/x")
    assert not store.json("lock", "status", "job")["held"]


def started(store, script, *flags, **options):
    """`kv lock run` of a shell that has said "ready"."""
    process = subprocess.Popen([PROGRAM, "kv", "lock", "run", "job", "--store", store.url, "--owner", "me", *flags, "--", "sh", "-c",
                                f"echo ready; {script}"], text=True, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


def test_kv_lock_run_outlives_its_lease(store):
    """The lease is a fraction of what the command takes: it is renewed."""
    process = started(store, "exec sleep 60", "--ttl", "6s")
    first = store.json("lock", "status", "job")
    while (status := store.json("lock", "status", "job"))["expires"] == first["expires"]:
        assert process.poll() is None
    assert status["held"] and status["fence"] == first["fence"]
    process.terminate()
    process.communicate()


def test_kv_lock_run_ends_the_command_when_the_lock_is_lost(store, tmp_path):
    told = tmp_path / "told"
    process = started(store, f"trap 'echo >{told}; exit 0' TERM; while :; do sleep 0.05; done", "--ttl", "3s")
    done = run("kv", "lock", "release", "job", "--store", store.url, "--owner", "me")
    out, err = process.communicate(timeout=60)
    assert done.returncode == 0, "else the lease was over already: the machine slept"
    assert (process.returncode, out, err) == (5, "", 'error: lock "job" was lost while sh ran\n')
    assert told.exists(), "it was told by SIGTERM"


def test_kv_lock_run_that_was_stopped_for_too_long_ends_the_command(store, tmp_path):
    """Others may have the lock: what goes on is told so before anything else."""
    told = tmp_path / "told"
    process = started(store, f"trap 'echo >{told}; exit 0' TERM; while :; do sleep 0.05; done", "--ttl", "1s")
    process.send_signal(signal.SIGSTOP)
    assert acquire(store, "job", "you", "--ttl", "1h", "--wait", "30s")["fence"] == 2
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (5, "", 'error: lock "job" was lost while sh ran\n')
    assert told.exists(), "it was told by SIGTERM"
    assert store.json("lock", "status", "job")["owner"] == "you"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_kv_lock_run_hands_on_what_is_ignored(store, number):
    """The command may have said otherwise for itself; then it gets what is sent to us."""
    process = started(store, f"exec {sys.executable} -c 'import signal as s; s.signal({number:d}, s.SIG_DFL); print(1, flush=True); s.pause()'",
                      "--ttl", "1h", preexec_fn=lambda: signal.signal(number, signal.SIG_IGN))
    assert process.stdout.readline() == "1\n"
    process.send_signal(number)
    assert process.wait(30) == 128 + number
    process.communicate()


@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_kv_lock_run_passes_signals_on(store, number, code):
    process = started(store, "exec sleep 60", "--ttl", "1h")
    os.kill(process.pid, number)
    assert process.wait(30) == code
    process.communicate()
    assert not store.json("lock", "status", "job")["held"]


def test_kv_lock_run_takes_the_command_with_it_when_it_is_killed(store):
    """Nobody renews any more: another may have the lock soon, and must not find the command still at work."""
    process = started(store, "exec sleep 60", "--ttl", "1h")
    process.kill()
    process.communicate(timeout=30)  # both pipes end with their last writer, which is the command


def test_kv_lock_run_ends_where_children_are_not_waited_for(store):
    """A program that ignores SIGCHLD hands that on to what it starts."""
    store.ok("lock", "run", "job", "--", "true", timeout=30, preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))


@pytest.mark.parametrize("number", ["HUP", "QUIT", "INT", "TERM", "ALRM"])
def test_kv_lock_run_leaves_ignored_what_is_ignored(store, number):
    """As below nohup(1), and behind `&` in a script."""
    told = store.ok("lock", "run", "job", "--", "sh", "-c", f"kill -{number} $$; echo still here",
                    preexec_fn=lambda: signal.signal(signal.Signals[f"SIG{number}"], signal.SIG_IGN))
    assert told == "still here\n"


def test_a_put_carries_the_fence_of_its_lock(store):
    ok("kv", "lock", "run", "job", "--store", store.url, "--owner", "me", "--", "sh", "-c",
       'exec "$0" kv put k v --lock job --store "$1"', str(PROGRAM), store.url)
    assert store.ok("get", "k") == "v\n"
    fence = int(ok("kv", "lock", "acquire", "job", "--store", store.url, "--owner", "me", "--ttl", "1h", "-o", "raw"))
    store.ok("put", "k", "w", "--lock", "job", "--owner", "me", "--fence", fence)
    assert "fenced" in store.refused(5, "put", "k", "x", "--lock", "job", "--owner", "me", "--fence", fence + 1)
    assert "fenced" in store.refused(5, "put", "k", "x", "--lock", "job", "--owner", "you", "--fence", fence)
    assert store.ok("get", "k") == "w\n"
    assert "--lock takes" in store.refused(2, "put", "k", "x", "--lock", "job")
    assert "go with --lock" in store.refused(2, "put", "k", "x", "--fence", "1")
    assert "HOLDFAST_FENCE is no number" in store.refused(2, "put", "k", "x", "--lock", "job", "--owner", "me", env={"HOLDFAST_FENCE": "x"})
