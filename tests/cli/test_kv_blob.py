"""holdfast kv put --chunked and get --range: values of any length, in the memory of a chunk."""

import os
import signal
import subprocess

import pytest

from command import PROGRAM, environment, run
from kv_store import Store


@pytest.fixture
def store(tmp_path):
    return Store(f"lmdb:{tmp_path}/store")


def get(store, *args):
    done = run("kv", "get", "--store", store.url, *args, text=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kv_put_chunked_stores_a_stream(store, tmp_path):
    long, short = os.urandom(3 * 1024 * 1024 + 77), b"short\0"
    (tmp_path / "long").write_bytes(long)
    store.ok("put", "k", "--chunked", "--file", tmp_path / "long", "--meta", "[1]")
    assert get(store, "k", "-o", "raw") == long
    assert get(store, "k", "--range", "1048570-1048600") == long[1048570:1048601]
    assert get(store, "k", "--range", "3145800-") == long[3145800:] and get(store, "k", "--range", "9999999-") == b""
    done = run("kv", "put", "--store", store.url, "k", "--chunked", input=short, text=False)
    assert done.returncode == 0, done.stderr
    assert get(store, "k") == b"\\x73686f727400\n" and get(store, "k", "--range", "1-2") == b"ho"
    assert store.ok("count") == "1\n", "the chunks went with what they were of"


def test_a_value_that_nobody_reads_is_not_read_to_its_end(store, tmp_path):
    (tmp_path / "long").write_bytes(b"x" * (4 << 20))
    store.ok("put", "k", "--chunked", "--file", tmp_path / "long")
    last = [line.split()[0] for line in store.ok("ls").splitlines() if line.split()[0].endswith("00000003")]
    store.ok("del", *last)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([PROGRAM, "kv", "get", "k", "-o", "raw", "--store", store.url], env=environment(), stdout=writer,
                          stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
    done = run("kv", "get", "k", "-o", "raw", "--store", store.url)
    assert done.returncode == 5 and "a chunk is gone" in done.stderr


def test_kv_put_chunked_refuses_what_does_not_go_with_it(store, tmp_path):
    (tmp_path / "long").write_bytes(b"x" * (2 << 20))
    assert store.refused(2, "put", "k", "v", "--chunked").startswith("error: --chunked stores a file or stdin")
    assert store.refused(3, "put", "k", "--chunked", "--file", tmp_path / "none").startswith("error: could not open")
    store.ok("put", "k", "old")
    assert "exists" in store.refused(5, "put", "k", "--chunked", "--file", tmp_path / "long", "--if-absent")
    assert store.ok("get", "k") == "old\n" and store.ok("count") == "1\n"
    store.ok("put", "k", "--chunked", "--file", tmp_path / "long")
    assert "the value is kept in chunks" in store.refused(2, "get", "k")
    for wrong in ("5", "-5", "5-4", "a-b", "1-2-3"):
        assert "--range is FIRST-LAST" in store.refused(2, "get", "k", f"--range={wrong}")
    assert store.refused(3, "get", "none", "--range", "0-").startswith('error: key "none" is not there')


def test_kv_bench_measures_in_a_namespace_of_its_own(store):
    store.ok("put", "mine", "v")
    rows = store.json("bench", "--entries", "1500", "--bytes", "10")
    assert [(row["call"], row["count"]) for row in rows] == [("put", 1500), ("get", 1500), ("apply", 2), ("get-many", 2), ("scan", 1)]
    assert all(row["entries_per_s"] > 0 and 0 <= row["p50_s"] <= row["p99_s"] <= row["max_s"] for row in rows)
    assert store.ok("count") == "1\n" and store.ok("count", "--namespace", "holdfast-bench") == "0\n"


def test_kv_bench_that_is_interrupted_leaves_nothing(store):
    store.ok("put", "k", "v")
    child = subprocess.Popen([PROGRAM, "kv", "bench", "--store", store.url, "--entries", "10000000"], env=environment(),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while store.ok("count", "--namespace", "holdfast-bench") == "0\n":
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode == 130
    assert store.ok("count") == "1\n" and store.ok("count", "--namespace", "holdfast-bench") == "0\n"


def test_kv_bench_refuses_an_unknown_store(store):
    assert run("kv", "bench", "--store", "nothing:x").returncode == 2
    assert store.refused(2, "bench", "--entries", "0")
