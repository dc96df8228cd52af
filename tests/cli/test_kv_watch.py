"""holdfast kv feed and kv watch: changes as they are committed, and going on from where one was killed."""

import json
import signal
import subprocess

import pytest

from command import PROGRAM, environment
from kv_store import Store, raw


@pytest.fixture(params=["lmdb", "postgresql"])
def store(request, cluster, empty, tmp_path):
    url = f"postgresql:///{empty.name}?host={cluster.server.dir}&user={cluster.server.user}"
    return Store(url if request.param == "postgresql" else f"lmdb:{tmp_path}/store").made()


def events(text):
    return [json.loads(line) for line in text.splitlines()]


def shown(events):
    return [(event["kind"], raw(event["key"]) if event["key"] else None) for event in events]


def count_until(store, token, key):
    """How many events come behind it, that of the key included."""
    watching = follow(store, "--json", "--from", token)
    count = 1
    while raw(json.loads(watching.stdout.readline())["key"]) != key:
        count += 1
    watching.kill()
    watching.communicate()
    return count


def first_token(store):
    """That of a change which is put here."""
    watching = follow(store, "--json", "--count", "1")
    while watching.poll() is None:
        store.ok("put", "first", "v")
    return events(watching.communicate()[0])[0]["token"]


def follow(store, *args):
    return subprocess.Popen([PROGRAM, "kv", "watch", "--store", store.url, *args], text=True, env=environment(), bufsize=1,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_kv_feed_is_turned_on_and_off(store):
    off = {"on": False, "changes": None, "keep_s": None, "keep_changes": None, "since": None, "held_s": None}
    assert store.json("feed") == off and store.json("stats")["feed"] is False
    on = store.json("feed", "on", "--keep", "2h", "--keep-changes", 7)
    assert (on["on"], on["changes"], on["keep_s"], on["keep_changes"], on["held_s"]) == (True, 0, 7200, 7, 0)
    store.ok("put", "a", "1")
    assert store.json("feed")["changes"] == 1 and store.json("stats")["feed"] is True
    assert store.json("feed", "on", "--dry-run")["keep_changes"] == 7
    assert store.json("feed", "off", "--dry-run")["on"] and store.json("feed", "off") == off == store.json("feed")


def test_kv_feed_refuses_what_is_neither_on_nor_off(store):
    assert store.refused(2, "feed", "maybe") == 'error: "maybe" is neither on nor off\n'
    assert "go with: kv feed on" in store.refused(2, "feed", "--keep", "1h")
    assert "go with: kv feed on" in store.refused(2, "feed", "off", "--keep-changes", 1)
    assert store.json("feed")["on"] is False


def test_kv_watch_follows_and_goes_on_from_a_token(store):
    store.ok("feed", "on")
    token = first_token(store)
    store.ok("put", "mark", "v")
    rest = count_until(store, token, b"mark")  # those of first_token(), which puts on until it is seen
    store.ok("put", "user/1", "a value"), store.ok("put", "other", "1"), store.ok("touch", "user/1", "--ttl", "1h")
    store.ok("del", "user/1"), store.ok("clear", "--yes")
    every = [("put", b"user/1"), ("put", b"other"), ("touch", b"user/1"), ("delete", b"user/1"), ("clear", None)]
    seen = events(store.ok("watch", "--from", token, "--json", "--count", rest + 5))[rest:]
    assert shown(seen) == every and seen[0]["value"] is None and seen[0]["at"] < seen[4]["at"]
    for at in range(4):
        again = events(store.ok("watch", "--from", seen[at]["token"], "-o", "ndjson", "--count", 4 - at))
        assert again == seen[at + 1:]
    few = store.ok("watch", "user/", "--from", token, "--count", 4).splitlines()
    assert [line.split()[:2] for line in few] == [["put", "user/1"], ["touch", "user/1"], ["delete", "user/1"], ["clear"]]
    store.ok("put", "b", "\\x00ff")
    value = events(store.ok("watch", "--from", seen[4]["token"], "--values", "--json", "--count", 1))[0]["value"]
    assert raw(value) == b"\x00\xff"


def test_kv_watch_refuses_a_namespace_without_a_feed(store):
    assert store.refused(3, "watch").startswith("error: the namespace has no change feed\n  turn it on: holdfast kv feed on")
    store.ok("feed", "on")
    assert store.refused(2, "watch", "--from", "x") == 'error: "x" is no token of a watch\n'
    token = first_token(store)
    store.ok("feed", "on", "--keep-changes", 1)  # not before: puts one after the other would be ahead of the watch
    assert "another namespace" in store.refused(2, "watch", "--from", token, "--namespace", "other")
    assert "--timeout 300ms" in store.refused(8, "watch", "--count", 1, "--timeout", "300ms")
    assert store.ok("watch", "--timeout", "300ms") == ""
    store.ok("feed", "on", "--keep-changes", 1)
    for value in range(3):
        store.ok("put", "k", value)
    store.ok("sweep")
    assert store.error(1, "watch", "--from", token)["code"] == "compacted"


def test_a_watch_that_was_killed_goes_on_where_it_was(store):
    store.ok("feed", "on")
    token = first_token(store)
    watching = follow(store, "k", "--from", token, "--json")
    for number in range(20):
        store.ok("put", f"k{number:02}", "v")
    seen = [json.loads(watching.stdout.readline()) for _ in range(7)]
    watching.send_signal(signal.SIGKILL)
    watching.communicate()
    seen += events(store.ok("watch", "k", "--from", seen[-1]["token"], "--json", "--count", 13))
    assert [raw(event["key"]) for event in seen] == [f"k{number:02}".encode() for number in range(20)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_watch_in_order(store, number):
    store.ok("feed", "on")
    watching = follow(store, "--from", first_token(store))
    store.ok("put", "a", "1")
    line = watching.stdout.readline()
    while line.split()[:2] != ["put", "a"]:
        line = watching.stdout.readline()
    watching.send_signal(number)
    assert (watching.communicate()[1], watching.returncode) == ("", 0)


@pytest.mark.parametrize("form", ["table", "ndjson"])
def test_a_watch_that_nobody_reads_ends_with_the_next_change(store, form):
    store.ok("feed", "on")
    watching = follow(store, "--from", first_token(store), "-o", form)
    watching.stdout.close()
    store.ok("put", "a", "1")
    assert watching.wait(60) == 0 and watching.stderr.read() == ""
    watching.stderr.close()
