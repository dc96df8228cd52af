"""holdfast kv: what each verb does to a store, and what it refuses. On LMDB; other stores where they are named."""

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from command import BUILD, PROGRAM, TOP, environment, ok, ok_json, refused, run
from kv_store import Store, raw


@pytest.fixture
def store(tmp_path):
    return Store(f"lmdb:{tmp_path}/store").made()


@pytest.fixture
def some(store):
    """Seven keys; one has expired."""
    for key in ("a", "a/1", "a/2", "b"):
        store.ok("put", key, f"value of {key}")
    store.ok("put", "c", "1", "--ttl", "1h", "--meta", '{"by": "me", "n": [1, 2]}')
    store.ok("put", "--encoding", "hex", "ff00", "0001")
    store.ok("put", "gone", "1", "--ttl", "1ms")
    return store


# ---- entries ----

def test_kv_get_prints_value_and_fields(store):
    store.ok("put", "greeting", "hello", "--ttl", "10m", "--meta", '{"by":"me"}')
    assert store.ok("get", "greeting") == "hello\n"
    shown = store.json("get", "greeting")
    assert list(shown)[:3] == ["key", "value", "rev"]
    assert shown["key"] == {"utf8": "greeting"} and shown["value"] == {"utf8": "hello"} and shown["metadata"] == {"by": "me"}
    assert 500 < shown["ttl_s"] <= 600 and shown["created"] == shown["updated"] < shown["expires"]
    store.ok("put", "greeting", "again")
    again = store.json("get", "greeting")
    assert (again["ttl_s"], again["expires"], again["metadata"]) == (None, None, None)
    assert again["rev"] > shown["rev"] and again["created"] == shown["created"] < again["updated"]


@pytest.mark.parametrize("value", [b"", b"two\nlines\n", b"\x00\xff", b"\\x41", b"\x1b[31mred", "ü €".encode(), bytes(range(256))], ids=repr)
def test_kv_values_come_back_in_every_form(store, tmp_path, value):
    file = tmp_path / "value"
    file.write_bytes(value)
    store.ok("put", "k", "--file", file)
    assert run("kv", "get", "--store", store.url, "k", "-o", "raw", text=False).stdout == value
    assert run("kv", "get", "--store", store.url, "k", "--encoding", "raw", text=False).stdout == value
    assert store.ok("get", "6b", "--encoding", "hex") == value.hex() + "\n"
    assert base64.b64decode(store.ok("get", "aw==", "--encoding", "base64")) == value
    shown = run("kv", "get", "--store", store.url, "k", text=False).stdout[:-1]
    assert all(byte >= 32 or byte in (9, 10) for byte in shown), "nothing that moves a terminal's cursor"
    store.ok("put", "copy", shown.decode())  # what is shown can be typed
    assert run("kv", "get", "--store", store.url, "copy", "-o", "raw", text=False).stdout == value
    for encoding, key in (("auto", "k"), ("hex", "6b"), ("base64", "aw==")):
        assert raw(store.json("get", key, "--encoding", encoding)["value"]) == value
    run("kv", "put", "--store", store.url, "piped", input=value, text=False)
    assert run("kv", "get", "--store", store.url, "piped", "-o", "raw", text=False).stdout == value


def test_kv_get_refuses_an_absent_key(store):
    assert store.refused(3, "get", "zz") == 'error: key "zz" is not there\n'
    assert store.error(3, "get", "--encoding", "hex", "00")["code"] == "not-found"
    store.ok("put", "k", "\\x00ff")
    assert store.refused(1, "get", "k", "--encoding", "utf8").startswith("error: these bytes are not UTF-8\n")


def test_kv_put_stores_with_ttl_and_metadata(store):
    assert store.ok("put", "k", "1") == ""
    first = store.json("put", "k", "2", "--ttl", "1h", "--meta", "[1]")
    assert first["changed"] == 1 and first["rev"] == store.json("get", "k")["rev"]
    assert store.all() == {b"k": (b"2", [1], True)}
    store.ok("put", "k", "3", "--keep-ttl", "--keep-meta", "--if-rev", first["rev"])
    assert store.all() == {b"k": (b"3", [1], True)}
    store.ok("put", "k", "4", "--if-present")
    store.ok("put", "new", "-", "--if-absent", input="from stdin")
    store.ok("put", "", "empty key")
    assert store.all() == {b"": (b"empty key", None, False), b"k": (b"4", None, False), b"new": (b"from stdin", None, False)}


@pytest.mark.parametrize("code, message, args", [
    (5, 'key "k" exists, with revision 1', ["k", "2", "--if-absent"]),
    (5, 'key "none" is absent', ["none", "2", "--if-present"]),
    (5, 'key "k" was changed: its revision is 1', ["k", "2", "--if-rev", "77"]),
    (5, 'key "none" is absent', ["none", "2", "--if-rev", "1"]),
    (2, "metadata:", ["k", "2", "--meta", "{"]),
    (2, "--ttl is 0", ["k", "2", "--ttl", "0"]),
    (2, "--ttl is \"-1s\"", ["k", "2", "--ttl=-1s"]),
    (2, "--ttl is 36526d", ["k", "2", "--ttl", "36526d"]),
    (2, "--if-rev is 0", ["k", "2", "--if-rev", "0"]),
    (2, "VALUE and --file", ["k", "2", "--file", "x"]),
    (2, "KEY is not hexadecimal", ["k", "22", "--encoding", "hex"]),
    (2, "VALUE is not base64", ["aaaa", "b", "--encoding", "base64"]),
    (2, "KEY is not hexadecimal: \"1\"", ["\\x1", "2"]),
    (3, "could not open", ["k", "--file", "/nowhere/file"]),
    (1, "at most 480 are kept", ["k" * 481, "2"]),
])
def test_kv_put_refuses_what_cannot_be(store, code, message, args):
    store.ok("put", "k", "1")
    assert message in store.refused(code, "put", *args)
    assert store.all() == {b"k": (b"1", None, False)}


def test_kv_del_counts_what_existed(some):
    assert some.json("del", "a", "nope", "gone", "a") == {"changed": 1, "unchanged": 3, "ids": []}
    assert some.ok("del", "--encoding", "hex", "ff00") == "1 key removed\n"
    assert some.ok("del", "nope") == "0 keys removed, 1 unchanged\n"
    assert sorted(some.all()) == [b"a/1", b"a/2", b"b", b"c"]
    some.ok("del", "b", "--if-rev", some.json("get", "b")["rev"])
    assert b"b" not in some.all()


def test_kv_del_refuses_another_revision(some):
    before = some.all()
    assert "was changed" in some.refused(5, "del", "a", "--if-rev", "77")
    assert "of one key, not of 2" in some.refused(2, "del", "a", "b", "--if-rev", "1")
    assert some.all() == before


def test_kv_exists_answers_by_exit_code(some):
    assert some.ok("exists", "a") == "true\n"
    for key in ("nope", "gone"):
        done = run("kv", "exists", "--store", some.url, key, "--json")
        assert (done.returncode, json.loads(done.stdout), done.stderr) == (3, {"exists": False}, "")


def test_kv_exists_refuses_a_key_that_is_too_long(store):
    assert store.error(1, "exists", "k" * 481)["code"] == "limit"


def test_kv_ttl_tells_what_is_left(some):
    assert some.ok("ttl", "a") == "never\n"
    assert some.json("ttl", "a") == {"ttl_s": None, "expires": None}
    assert 3500 < some.json("ttl", "c")["ttl_s"] <= 3600


def test_kv_ttl_refuses_an_absent_key(some):
    assert some.error(3, "ttl", "gone")["code"] == "not-found"


def test_kv_touch_and_persist_change_the_expiry(some):
    assert some.ok("touch", "a", "--ttl", "10s") == ""
    assert 0 < some.json("ttl", "a")["ttl_s"] <= 10
    assert some.json("touch", "c", "--ttl", "2d") == {"changed": 1, "repeated": False}
    assert some.json("ttl", "c")["ttl_s"] > 100000
    assert some.json("persist", "c") == {"changed": 1, "repeated": False}
    assert some.all()[b"c"] == (b"1", {"by": "me", "n": [1, 2]}, False)


def test_kv_touch_refuses_no_time_at_all(some):
    assert some.refused(2, "touch", "a").startswith("error: touch needs --ttl")
    assert "is not there" in some.refused(3, "touch", "gone", "--ttl", "1h")
    assert b"gone" not in some.all()


def test_kv_persist_refuses_an_absent_key(some):
    for key in ("nope", "gone"):
        assert some.error(3, "persist", key)["code"] == "not-found"
    assert b"gone" not in some.all()


def test_kv_meta_prints_and_sets(some):
    assert json.loads(some.ok("meta", "c")) == {"by": "me", "n": [1, 2]}
    assert some.json("meta", "a") == {"metadata": None}
    assert some.json("meta", "c", '{"by": "you"}') == {"changed": 1, "repeated": False}
    assert some.all()[b"c"] == (b"1", {"by": "you"}, True)
    some.ok("meta", "c", "")
    assert some.all()[b"c"] == (b"1", None, True)


def test_kv_meta_refuses_what_is_no_json(some):
    before = some.all()
    assert "metadata:" in some.refused(2, "meta", "c", "{")
    assert "is not there" in some.refused(3, "meta", "nope", "{}")
    assert some.all() == before


def test_kv_cas_replaces_the_expected_value(some):
    assert some.json("cas", "c", "1", "2") == {"changed": 1, "repeated": False}
    assert some.all()[b"c"] == (b"2", {"by": "me", "n": [1, 2]}, True)
    some.ok("cas", "ff00", "0001", "", "--encoding", "hex")
    assert some.all()[b"\xff\x00"][0] == b""


def test_kv_cas_refuses_another_value(some):
    before = some.all()
    assert "was changed" in some.refused(5, "cas", "c", "7", "2")
    assert "is not there" in some.refused(3, "cas", "nope", "", "2")
    assert some.all() == before


def test_kv_incr_adds_and_prints_the_sum(store):
    assert store.ok("incr", "n") == "1\n"
    assert store.json("incr", "n", "--by", 41) == {"number": 42, "repeated": False}
    assert store.ok("incr", "n", "--by=-50") == "-8\n"
    assert store.all() == {b"n": (b"-8", None, False)}


def test_kv_incr_refuses_what_is_no_number(store):
    store.ok("put", "k", "x")
    store.ok("put", "n", str(2**63 - 1))
    assert "no number of 64 bits" in store.refused(5, "incr", "k")
    assert "no number of 64 bits" in store.refused(5, "incr", "n")
    assert "--by is" in store.refused(2, "incr", "n", "--by", "1.5")
    assert store.all() == {b"k": (b"x", None, False), b"n": (str(2**63 - 1).encode(), None, False)}


def test_kv_append_extends_the_value(some):
    some.ok("append", "c", "2")
    some.ok("append", "c", input="3")
    some.ok("append", "new", "x")
    assert some.all()[b"c"] == (b"123", {"by": "me", "n": [1, 2]}, True) and some.all()[b"new"][0] == b"x"


def test_kv_append_refuses_two_values(some):
    before = some.all()
    assert "VALUE and --file" in some.refused(2, "append", "c", "2", "--file", "x")
    assert some.all() == before


# ---- ranges ----

def keys(rows):
    return [raw(row["key"]) for row in rows]


def test_kv_ls_is_ordered_and_paged(some):
    every = [b"a", b"a/1", b"a/2", b"b", b"c", b"\xff\x00"]
    assert keys(some.json("ls")) == every
    assert keys(some.json("ls", "--reverse")) == every[::-1]
    assert keys(some.json("ls", "a/")) == [b"a/1", b"a/2"]
    assert keys(some.json("ls", "--from", "a/2", "--to", "c")) == [b"a/2", b"b"]
    assert keys(some.json("ls", "--limit", 2, "-q")) == every[:2]
    assert keys(some.json("ls", "--limit", 2, "--after", "a/1", "-q")) == every[2:4]
    assert some.ok("ls", "-o", "raw").splitlines() == ["a", "a/1", "a/2", "b", "c", "\\xff00"]
    assert some.ok("ls", "\\xff", "-o", "raw", "--encoding", "auto") == "\\xff00\n"
    assert list(some.json("ls")[0]) == ["key", "rev", "updated", "expires"]
    assert some.json("ls", "a/", "--json=key") == [{"key": {"utf8": "a/1"}}, {"key": {"utf8": "a/2"}}]
    assert some.ok("scan", "a/", "--json=key") == some.ok("ls", "a/", "--json=key")
    assert 0 not in (row["rev"] for row in some.json("ls", "--json=rev"))


def test_kv_ls_refuses_an_unknown_field(some):
    assert "unknown field" in some.refused(2, "ls", "--json=value")
    assert "from is not hexadecimal" in some.refused(2, "ls", "--encoding", "hex", "--from", "x")


def test_kv_scan_shows_values_and_filters(some):
    rows = some.json("scan")
    assert [(raw(row["key"]), raw(row["value"])) for row in rows][3:] == [(b"b", b"value of b"), (b"c", b"1"), (b"\xff\x00", b"\x00\x01")]
    assert keys(some.json("scan", "--with-meta", '{"n": [2]}')) == [b"c"]
    assert some.json("scan", "--with-meta", '{"n": [3]}') == []
    lines = some.ok("scan", "a", "-o", "ndjson", "--limit", 0).splitlines()
    assert keys(map(json.loads, lines)) == [b"a", b"a/1", b"a/2"]
    assert some.ok("scan", "b", "--json=value") == '[{"value":{"utf8":"value of b"}}]\n'


def test_kv_scan_refuses_a_filter_that_is_no_json(some):
    assert some.error(2, "scan", "--with-meta", "{")["code"] == "usage"


def test_kv_count_counts_live_keys(some):
    assert some.ok("count") == "6\n"
    assert some.json("count", "a") == {"count": 3, "exact": True}
    assert some.json("count", "--from", "b") == {"count": 3, "exact": True}
    assert some.json("count", "--with-meta", "{}") == {"count": 1, "exact": True}
    assert some.json("count", "--estimated")["exact"] is False


def test_kv_count_refuses_an_estimate_of_a_range(some):
    for args in (["a"], ["--from", "a"], ["--to", "b"], ["--with-meta", "{}"]):
        assert "not of a range" in some.refused(2, "count", "--estimated", *args)


# ---- the store ----

def test_kv_clear_empties_its_namespace(some):
    some.ok("put", "k", "stays", "--namespace", "other")
    assert some.json("clear", "--dry-run") == {"changed": 6, "unchanged": 0, "ids": [], "dry_run": True}
    assert len(some.all()) == 6
    assert some.ok("clear", "--yes") == "6 entries removed\n"
    assert some.all() == {} and some.ok("get", "k", "--namespace", "other") == "stays\n"


def test_kv_clear_refuses_without_an_answer(some):
    before = some.all()
    assert some.refused(2, "clear").startswith('error: remove all 6 entries of namespace "default"')
    assert some.all() == before


def test_kv_sweep_counts_what_it_removes(some):
    assert some.json("sweep") == {"changed": 1, "unchanged": 0, "ids": []}
    assert some.ok("sweep") == "0 expired entries removed\n"
    assert len(some.all()) == 6


def test_kv_sweep_refuses_an_unknown_store(tmp_path):
    assert refused(2, "kv", "sweep").startswith("error: no store is named\n")
    assert refused(2, "kv", "sweep", "--store", "").startswith("error: --store: the store's URL is empty\n")
    assert refused(2, "kv", "sweep", "--store", "lmdb:x", "-d", "postgresql:///x") == "error: --store and --database name two stores\n"


def test_kv_stats_describes_the_store(some):
    shown = some.json("stats")
    assert (shown["backend"], shown["namespace"], shown["entries"], shown["persists"]) == ("lmdb", "default", 6, True)
    assert shown["total_bytes"] >= shown["table_bytes"] > 0
    assert shown["index_bytes"] > 0 and shown["history_bytes"] == 0 and shown["dead_rows"] is None
    assert some.json("stats", "--namespace", "empty")["entries"] == 0


def test_kv_stats_refuses_a_store_that_is_not_there(tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert run("kv", "stats", "--store", f"lmdb:{tmp_path}/file").returncode not in (0, 2, 3)
    assert refused(7, "kv", "stats", "-d", "postgresql:///x?host=/nowhere").startswith("error: ")


@pytest.mark.parametrize("url, message", [
    ("bogus:x", 'no kind of store is called "bogus"'),
    ("mysql://user:secret@host/db", 'no kind of store is called "mysql"'),
    ("nothing at all", "the store's URL names no kind of store"),
])
def test_a_kind_of_store_that_is_none_is_named(url, message):
    text = refused(2, "kv", "count", "--store", url)
    assert text.startswith(f"error: --store: {message}\n") and "secret" not in text
    assert all(kind in text for kind in ("memory:", "lmdb:PATH", "redis://HOST", "postgresql://"))


@pytest.mark.parametrize("ttl", ["nan", "NaN", "inf", "-inf", "1e400s"])
def test_a_time_to_live_that_is_no_number_is_refused(store, ttl):
    assert store.refused(2, "put", "k", "v", f"--ttl={ttl}").startswith(f'error: --ttl is "{ttl}"')
    assert store.refused(2, "touch", "k", f"--ttl={ttl}").startswith("error: --ttl is ")
    assert store.ok("count") == "0\n"


@pytest.mark.parametrize("ttl", ["NaN", "Infinity", "1e400", '"1"'])
def test_an_imported_time_to_live_that_is_no_number_is_refused(store, ttl):
    store.refused(1, "import", "-", input=f'{{"key":"k","value":"v","ttl_s":{ttl}}}\n')
    assert store.ok("count") == "0\n"


def test_a_fence_without_a_lock_is_a_usage_error(store):
    assert store.refused(2, "put", "k", "v", "--lock", "", "--owner", "me", "--fence", "1").startswith("error: the name of a lock")
    assert store.refused(2, "put", "k", "v", "--lock", "l", "--owner", "", "--fence", "1").startswith("error: the owner of a lock")


def test_kv_expiry_is_that_of_puts_without_one(store):
    assert store.json("expiry") == {"ttl_s": None, "changed": 0, "dry_run": False}
    assert store.ok("expiry") == "never\n"
    assert store.json("expiry", "--ttl", "1h", "--dry-run") == {"ttl_s": 3600, "changed": 0, "dry_run": True}
    store.ok("put", "before", "v")
    assert store.json("expiry", "--ttl", "1h") == {"ttl_s": 3600, "changed": 1, "dry_run": False}
    assert store.json("expiry")["ttl_s"] == 3600 and store.ok("expiry") == "3600\n"
    store.ok("put", "k", "v")
    assert 3500 < store.json("ttl", "k")["ttl_s"] <= 3600 and store.json("ttl", "before")["ttl_s"] is None
    store.ok("put", "other", "v", "--namespace", "other")
    assert store.json("ttl", "other", "--namespace", "other")["ttl_s"] is None
    store.ok("put", "stays", "v", "--never")
    assert store.json("ttl", "stays")["ttl_s"] is None
    store.ok("expiry", "--never")
    store.ok("put", "k", "v")
    assert store.json("ttl", "k")["ttl_s"] is None


def test_kv_expiry_refuses_two_answers(store):
    assert store.refused(2, "put", "k", "v", "--ttl", "1h", "--never").startswith('error: key "k": a TTL does not go')
    assert store.refused(2, "put", "k", "v", "--keep-ttl", "--never") == 'error: key "k": the expiry cannot both stay and go\n'
    assert store.refused(2, "expiry", "--ttl", "1h", "--never") == "error: --ttl and --never exclude each other\n"
    assert store.refused(2, "expiry", "--ttl", "0s").startswith("error: ")
    assert store.refused(2, "expiry", "--ttl", "40000d").startswith("error: ")


def test_kv_health_tells_how_the_store_is(some):
    shown = some.json("health")
    assert (shown["state"], shown["reasons"], shown["backend"], shown["expired_waiting"]) == ("healthy", [], "lmdb", 1)
    assert shown["room_bytes"] > shown["used_bytes"] > 0 and shown["eviction"] is None and shown["connections"] is None
    assert some.json("health", "--check")["state"] == "healthy"
    some.ok("put", "short", "lived", "--ttl", "1ms")
    time.sleep(0.01)
    assert some.json("health")["expired_waiting"] == 2
    assert some.json("health")["state"] == "healthy"  # nobody has been late for ten minutes
    assert some.json("health", "--json=state,reasons") == {"state": "healthy", "reasons": []}


def test_kv_health_refuses_a_store_that_is_not_there(tmp_path):
    assert refused(7, "kv", "health", "-d", "postgresql:///x?host=/nowhere").startswith("error: ")
    assert refused(2, "kv", "health").startswith("error: no store is named\n")
    missing = refused(7, "kv", "health", "--store", f"lmdb:{tmp_path}/none")
    assert "there is no store at" in missing and "holdfast kv put" in missing
    assert not (tmp_path / "none").exists()


REDIS_SERVER = shutil.which("redis-server") or "/usr/bin/redis-check-rdb"  # the same program of redis-tools, by its other name


@contextlib.contextmanager
def redis(folder, appendfsync):
    """A server of its own: its socket."""
    socket = folder / "socket"
    server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", socket, "--dir", folder, "--save", "",
                               "--appendonly", "yes", "--appendfsync", appendfsync], executable=REDIS_SERVER, stdout=subprocess.DEVNULL)
    try:
        while not socket.exists() or subprocess.run(["redis-cli", "-s", socket, "ping"], capture_output=True).returncode:
            time.sleep(0.02)
        yield socket
    finally:
        server.terminate()
        server.wait()


def test_kv_health_of_a_standby_is_unavailable(tmp_path):
    with redis(tmp_path, "always") as socket:
        store = ["--store", f"redis+unix://{socket}"]
        ok("kv", "put", "k", "v", *store)
        assert ok_json("kv", "health", *store)["state"] == "healthy"
        subprocess.run(["redis-cli", "-s", socket, "replicaof", "127.0.0.1", "1"], check=True, capture_output=True)
        assert "the server is a standby: it takes no writes" in refused(7, "kv", "health", *store)


def test_kv_durability_opens_a_redis_that_gives_relaxed_alone(tmp_path):
    with redis(tmp_path, "everysec") as socket:
        store = ["--store", f"redis+unix://{socket}"]
        assert "HOLDFAST_KV_DURABILITY=relaxed" in refused(2, "kv", "get", "k", *store)
        relaxed = {"HOLDFAST_KV_DURABILITY": "relaxed"}
        ok("kv", "put", "k", "v", *store, env=relaxed)
        assert ok("kv", "get", "k", *store, env=relaxed) == "v\n"


@pytest.mark.parametrize("env, file, args, namespace", [
    ({"HOLDFAST_KV_URL": "lmdb:{}/v"}, "", [], "v:default"),
    ({}, "[kv]\nurl = lmdb:{}/c\nnamespace = mine\n", [], "c:mine"),
    ({"HOLDFAST_KV_URL": "lmdb:{}/v", "HOLDFAST_KV_NAMESPACE": "ours"}, "[kv]\nurl = lmdb:{}/c\nnamespace = mine\n", [], "v:ours"),
    ({"HOLDFAST_KV_URL": "lmdb:{}/v"}, "[kv]\nnamespace = mine\n", ["--store", "lmdb:{}/f", "--namespace", "yours"], "f:yours"),
])
def test_the_store_is_named_by_flag_variable_and_file(tmp_path, env, file, args, namespace):
    config = tmp_path / "conf"
    config.write_text(file.replace("{}", str(tmp_path)))
    filled = [text.replace("{}", str(tmp_path)) for text in args]
    ok("-c", config, "kv", "put", "k", "v", *filled, env={name: text.replace("{}", str(tmp_path)) for name, text in env.items()})
    place, name = namespace.split(":")
    assert ok("kv", "get", "k", "--store", f"lmdb:{tmp_path}/{place}", "--namespace", name) == "v\n"


# ---- files and copies ----

def test_kv_import_reads_what_export_wrote(some, tmp_path):
    file, other = tmp_path / "file", Store(f"lmdb:{tmp_path}/other")
    assert some.ok("export", file) == ""
    assert [row["key"] for row in map(json.loads, file.read_text().splitlines())] == [
        {"utf8": "a"}, {"utf8": "a/1"}, {"utf8": "a/2"}, {"utf8": "b"}, {"utf8": "c"}, {"base64": "/wA="}]
    told = other.json("import", file, "--dry-run")
    assert (told["changed"], told["dry_run"]) == (6, True) and not (tmp_path / "other").exists()
    told = other.json("import", file)
    assert (told["changed"], told["expired"]) == (6, 0)
    assert other.all() == some.all()
    assert abs(other.json("ttl", "c")["ttl_s"] - some.json("ttl", "c")["ttl_s"]) < 60
    assert [row["created"] for row in other.json("scan")] == [row["created"] for row in some.json("scan")]
    assert other.ok("export", "--prefix", "612f", "--encoding", "hex").count('{"hex":"612f') == 2
    assert ok("kv", "import", "--store", f"lmdb:{tmp_path}/third", "-", input=file.read_text()).startswith("changed")


def test_kv_import_takes_what_people_write(store):
    told = store.json("import", "-", input='{"key": "a", "value": "1"}\n\n{"key": {"hex": "00"}, "value": {"base64": ""}, "metadata": [1], "ttl_s": 60}\n'
                      '{"key": "old", "value": "", "expires": "2001-01-01T00:00:00.000000Z"}\n{"key": "b\\u0000", "value": "last"}')
    assert (told["changed"], told["expired"]) == (3, 1)
    assert store.all() == {b"a": (b"1", None, False), b"\0": (b"", [1], True), b"b\0": (b"last", None, False)}


def test_kv_import_takes_times_before_1970_for_its_first_moment(store):
    told = store.json("import", "-", input='{"key": "a", "value": "", "created": "1969-12-31T23:59:59.999999Z"}\n'
                      '{"key": "b", "value": "", "created": "1970-01-01T00:00:00.000000Z"}\n'
                      '{"key": "c", "value": "", "expires": "1970-01-01T00:00:00.000000Z"}')
    assert (told["changed"], told["expired"]) == (2, 1)
    assert {row["created"] for row in store.json("scan")} == {"1970-01-01T00:00:00.000001Z"}


@pytest.mark.parametrize("line, message", [
    ("{", "'}' expected"),
    ("[]", "not an object"),
    ('"a"', "expected"),
    ('{"key": "a"}', "value must be text"),
    ('{"value": "a"}', "key must be text"),
    ('{"key": 1, "value": ""}', "key must be text"),
    ('{"key": {"hex": "0"}, "value": ""}', "key is not hex"),
    ('{"key": {"base64": "AA=A"}, "value": ""}', "key is not base64"),
    ('{"key": {"base64": "AAA"}, "value": ""}', "key is not base64"),
    ('{"key": {"utf8": "a", "hex": "00"}, "value": ""}', "key must be text"),
    ('{"key": "a", "value": "", "vlaue": ""}', 'unknown member "vlaue"'),
    ('{"key": "a", "key": "b", "value": ""}', "duplicate"),
    ('{"key": "a", "value": "", "expires": "2031-02-30T00:00:00.000000Z"}', "expires must be"),
    ('{"key": "a", "value": "", "expires": 5}', "expires must be"),
    ('{"key": "a", "value": "", "created": "yesterday"}', "created must be"),
    ('{"key": "a", "value": "", "ttl_s": 0}', "ttl_s must be"),
    ('{"key": "a", "value": "", "ttl_s": 1e300}', "ttl_s must be"),
    ('{"key": "a", "value": "", "ttl_s": "60"}', "ttl_s must be"),
    ("\0", "'[' or '{' expected"),
    ('{"key": "a", "value": "\xff"}', "unable to decode byte"),
])
def test_kv_import_names_the_line(store, line, message):
    good = "".join('{"key": "%d", "value": "x"}\n' % i for i in range(1001))
    done = run("kv", "import", "--store", store.url, "-", input=(good + line + "\n").encode("latin-1"), text=False)
    told = done.stderr.decode(errors="replace")
    assert (done.returncode, done.stdout) == (1, b""), told
    assert told.startswith("error: standard input:1002: ") and message in told, told
    assert "1000 entries of the lines before it are in the store" in told
    assert store.ok("count") == "1000\n"


def test_kv_import_that_is_interrupted_says_what_is_stored(store):
    child = subprocess.Popen([PROGRAM, "kv", "import", "--store", store.url, "-", "--json"], env=environment(),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child.stdin.write("".join('{"key": "%d", "value": "x"}\n' % i for i in range(1001)))
    child.stdin.flush()
    while store.ok("count") != "1000\n":
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=60)
    error = json.loads(told.splitlines()[-1])["error"]
    assert (child.returncode, error["message"]) == (130, "interrupted; what was under way was rolled back")
    assert error["hint"] == "1000 entries that were written before are in the store"


def test_kv_import_refuses_a_key_that_is_too_long(store):
    done = store.refused(1, "import", "-", input='{"key": "%s", "value": ""}\n' % ("k" * 481))
    assert "at most 480 are kept" in done
    assert store.refused(3, "import", "/nowhere/file").startswith("error: could not open /nowhere/file")


def test_kv_export_refuses_a_folder_that_is_not_there(some, tmp_path):
    assert some.refused(1, "export", tmp_path / "none" / "file").startswith("error: could not make ")
    (tmp_path / "kept").write_text("kept")
    store = Store(f"lmdb:{tmp_path}/kept")  # no store: nothing takes the file's place
    assert run("kv", "export", "--store", store.url, tmp_path / "kept").returncode != 0
    assert (tmp_path / "kept").read_text() == "kept" and not (tmp_path / "kept.new").exists()


def test_kv_export_makes_no_store_to_read_from(tmp_path):
    """A name that is mistaken would be an empty backup, and exit 0."""
    assert f"there is no store at {tmp_path}/stat" in refused(7, "kv", "export", tmp_path / "all.ndjson", "--store", f"lmdb:{tmp_path}/stat")
    assert not any(tmp_path.iterdir())


def test_kv_export_makes_no_namespace_to_read_from(some, tmp_path):
    for _ in range(2):
        assert some.refused(3, "export", tmp_path / "all.ndjson", "--namespace", "tpyo") == 'error: there is no namespace "tpyo"\n'
    assert not (tmp_path / "all.ndjson").exists()


def test_kv_export_follows_a_link(some, tmp_path):
    file, link, nowhere = tmp_path / "file", tmp_path / "link", tmp_path / "nowhere"
    file.write_text("old")
    link.symlink_to(file)
    nowhere.symlink_to(tmp_path / "none")
    some.ok("export", link)
    assert link.is_symlink() and file.read_text() == some.ok("export")
    assert some.refused(1, "export", nowhere) == f"error: could not write {nowhere}: it is a link that leads nowhere\n"
    assert nowhere.is_symlink() and sorted(p.name for p in tmp_path.iterdir() if p.name.endswith(".new")) == []


def test_kv_get_and_export_say_that_the_disk_is_full(store):
    store.ok("put", "short", "1")
    store.ok("put", "long", "x" * 100000)
    with open("/dev/full", "w") as full:
        for args in (("get", "short"), ("get", "long"), ("get", "long", "-o", "raw"), ("get", "long", "--json"), ("export",)):
            done = run("kv", args[0], "--store", store.url, *args[1:], stdout=full)
            assert done.returncode == 1 and "could not write the output: No space left on device" in done.stderr, args


def test_kv_export_refuses_a_path_that_is_empty(some):
    assert some.refused(2, "export", "") == "error: the path of the file is empty\n"


def test_kv_export_writes_into_what_is_no_file(some, tmp_path):
    pipe, got = tmp_path / "pipe", tmp_path / "got"
    os.mkfifo(pipe)
    with open(got, "wb") as out:
        reader = subprocess.Popen(["cat", pipe], stdout=out)
        try:
            some.ok("export", pipe)
            assert pipe.is_fifo(), "a file took the place of the pipe"
            assert reader.wait(20) == 0 and got.read_text() == some.ok("export")
        finally:
            reader.kill()
            reader.wait()


def test_kv_copy_takes_everything_along(some, tmp_path):
    other = Store(f"lmdb:{tmp_path}/other")
    other.ok("put", "a", "replaced", "--ttl", "1h")
    other.ok("put", "own", "stays")
    assert ok_json("kv", "copy", "--from", some.url, "--to", other.url, "--dry-run")["changed"] == 6
    assert "--replace" in refused(5, "kv", "copy", "--from", some.url, "--to", other.url)
    assert len(other.all()) == 2
    told = ok_json("kv", "copy", "--from", some.url, "--to", other.url, "--merge")
    assert (told["changed"], told["dry_run"], told["digest"]) == (6, False, None)
    assert other.all() == {**some.all(), b"own": (b"stays", None, False)}
    told = ok_json("kv", "copy", "--from", some.url, "--to", other.url, "--replace")
    assert (told["changed"], len(told["digest"])) == (6, 64)
    assert other.all() == some.all()
    times = [[row[name] for name in ("key", "created", "updated", "expires")] for row in some.json("scan")]
    assert [[row[name] for name in ("key", "created", "updated", "expires")] for row in other.json("scan")] == times
    ok("kv", "copy", "--from", some.url, "--to", some.url, "--to-namespace", "twin", "--prefix", "a/")
    assert keys(some.json("ls", "--namespace", "twin")) == [b"a/1", b"a/2"]


def test_kv_copy_refuses_one_place_twice(some):
    assert "are one place" in refused(2, "kv", "copy", "--from", some.url, "--to", some.url)
    assert "--from and --to are needed" in refused(2, "kv", "copy", "--from", some.url)
    assert "exclude each other" in refused(2, "kv", "copy", "--from", some.url, "--to", "memory:", "--merge", "--replace")
    assert refused(2, "kv", "copy", "--from", "", "--to", some.url).startswith("error: --from: the store's URL is empty")


def test_kv_copy_makes_no_store_to_read_from(some, tmp_path):
    typo = tmp_path / "tpyo"
    assert f"error: --from: there is no store at {typo}\n" in refused(7, "kv", "copy", "--from", f"lmdb:{typo}", "--to", some.url)
    assert not typo.exists()


def test_kv_copy_makes_no_namespace_to_read_from(some, tmp_path):
    for to in (f"lmdb:{tmp_path}/other", some.url):
        for more in ((), ("--dry-run",)):
            assert refused(3, "kv", "copy", "--from", some.url, "--to", to, "--namespace", "tpyo", "--to-namespace", "copy",
                           *more) == 'error: --from: there is no namespace "tpyo"\n'
    assert not (tmp_path / "other").exists()


def test_a_dry_run_makes_no_target(some, tmp_path):
    other = f"lmdb:{tmp_path}/other"
    for to in (other, some.url):
        assert ok_json("kv", "copy", "--from", some.url, "--to", to, "--to-namespace", "copy", "--dry-run")["changed"] == 6
        assert not (tmp_path / "other").exists()
    assert "no namespace" in refused(3, "kv", "copy", "--from", some.url, "--to", other, "--namespace", "copy")
    assert ok_json("kv", "copy", "--from", some.url, "--to", some.url, "--to-namespace", "copy")["changed"] == 6
    assert ok_json("kv", "copy", "--from", some.url, "--to", other, "--namespace", "copy")["changed"] == 6


def test_a_dry_run_refuses_a_folder_that_the_run_refuses(some, tmp_path):
    """A file in its place, and another program's database."""
    (tmp_path / "file").write_text("a file")
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "data.mdb").write_text("no database")
    some.ok("export", tmp_path / "all")
    for name in ("file", "junk"):
        to = f"lmdb:{tmp_path}/{name}"
        for verb in (("copy", "--from", some.url, "--to", to), ("import", tmp_path / "all", "--store", to)):
            dry, done = run("kv", *verb, "--dry-run"), run("kv", *verb)
            assert dry.returncode == done.returncode != 0 and dry.stderr == done.stderr


@pytest.mark.parametrize("verb", [
    ("get", "k"), ("get", "k", "-o", "raw"), ("exists", "k"), ("ttl", "k"), ("meta", "k"), ("ls",), ("scan",), ("count",), ("export",),
    ("stats",), ("expiry",), ("expiry", "--ttl", "1h", "--dry-run"), ("clear", "--dry-run"), ("feed",), ("watch",), ("lock", "list"), ("checkpoint", "create"),
    ("lock", "status", "k"), ("checkpoint", "list"), ("checkpoint", "show", "00000000-0000-4000-8000-000000000000"), ("index", "list"), ("health",),
    ("checkpoint", "export", "00000000-0000-4000-8000-000000000000", "-"), ("checkpoint", "verify", "00000000-0000-4000-8000-000000000000")],
                         ids=" ".join)
def test_who_reads_makes_no_store(tmp_path, verb):
    typo = Store(f"lmdb:{tmp_path}/tpyo")
    assert typo.refused(7, *verb).startswith(f"error: there is no store at {tmp_path}/tpyo\n")
    assert not (tmp_path / "tpyo").exists()


def test_a_store_in_memory_ends_with_the_command():
    assert ok("kv", "put", "k", "v", "--store", "memory:") == ""
    assert ok("kv", "count", "--store", "memory:") == "0\n"
    assert re.match(r'error: key "k" is not there', refused(3, "kv", "get", "k", "--store", "memory:"))


def test_the_readme_shows_what_happens(tmp_path):
    """Each command of its block on keys and values, typed as it stands there, prints what stands below it."""
    (block,) = [text for text in re.findall(r"```console\n(.*?)```", (TOP / "README.md").read_text(), re.S) if "kv put" in text]
    (tmp_path / "build").symlink_to(BUILD)
    steps = re.split(r"(?m)^\$ ", block)[1:]
    script = "".join(f"echo '$'; {step.splitlines()[0]}\n" for step in steps)
    shown = subprocess.run(["sh", "-eu", "-c", script], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert (shown.returncode, shown.stderr) == (0, "")
    printed = [text.strip() for text in shown.stdout.split("$\n")[1:]]
    assert printed == ["\n".join(step.splitlines()[1:]).strip() for step in steps]
