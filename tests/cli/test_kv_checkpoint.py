"""holdfast kv checkpoint: states of a namespace, compared and restored. On LMDB; where there are none, refused by name."""

import json
import os
import subprocess

import pytest

from command import BUILD, TOP, environment, ok_json, refused, run
from kv_store import Store, raw

NONE = "6f1c3a52-0d1e-4b4f-9a57-2f0c8f3e9b11"


@pytest.fixture
def store(tmp_path):
    return Store(f"lmdb:{tmp_path}/store").made()


def put(store, **entries):
    for key, value in entries.items():
        store.ok("put", key, value)


def point(store, *args):
    return store.json("checkpoint", "create", *args)["id"]


def values(store):
    return {key.decode(): value.decode() for key, (value, _, _) in store.all().items()}


@pytest.fixture
def two(store):
    """Two checkpoints: {a: 1, b: 1}, {a: 2, c: 2}; and {a: 2, c: 3} now."""
    put(store, a="1", b="1")
    first = point(store, "first")
    put(store, a="2", c="2")
    store.ok("del", "b")
    second = point(store, "second")
    put(store, c="3")
    return store, first, second


def test_kv_checkpoint_create_counts_entries_and_bytes(store):
    put(store, a="123", b="4")
    made = store.json("checkpoint", "create", "night", "--meta", '{"b": 1}', "--pinned")
    assert (made["name"], made["entries"], made["bytes"], made["metadata"], made["pinned"]) == ("night", 2, 6, {"b": 1}, True)
    plain = store.json("checkpoint", "create", "--uncounted")
    assert (plain["name"], plain["entries"], plain["bytes"], plain["metadata"], plain["pinned"]) == (None, None, None, None, False)
    assert len(made["digest"]) == 64 and plain["digest"] is None
    assert len(store.ok("checkpoint", "create", "-o", "raw").strip()) == 36
    assert store.json("checkpoint", "show", made["id"]) == made


def test_kv_checkpoint_create_may_copy(empty):
    store = Store(f"postgresql:///{empty.name}?host={empty.host}&user={empty.user}")
    put(store, a="1")
    assert store.json("checkpoint", "create", "--kind", "auto")["kind"] == "epoch"
    assert store.json("checkpoint", "prune", "--bytes", 1000)["changed"] == 0
    made = store.json("checkpoint", "create", "--kind", "snapshot")
    assert (made["kind"], made["entries"]) == ("snapshot", 1)
    put(store, a="2", b="2")
    assert changes(store, made["id"]) == [("put", "a", "2"), ("put", "b", "2")]
    assert store.json("checkpoint", "restore", made["id"])["put"] == 1 and values(store) == {"a": "1"}


def test_kv_checkpoint_create_refuses_what_cannot_be(store):
    assert "--kind" in store.refused(2, "checkpoint", "create", "--kind", "other")
    error = store.error(2, "checkpoint", "create", "--kind", "snapshot")
    assert (error["message"], error["hint"]) == ("lmdb has no checkpoints that are copies", "it needs none: leave the kind out")
    assert "metadata:" in store.refused(2, "checkpoint", "create", "--meta", "{")
    assert "at most 128 bytes" in store.refused(2, "checkpoint", "create", "n" * 129)
    assert store.json("checkpoint", "list") == []


def test_kv_checkpoint_list_has_the_newest_first(two):
    store, first, second = two
    assert [row["id"] for row in store.json("checkpoint", "list")] == [second, first]
    assert store.ok("checkpoint", "list", "-o", "raw", "--limit", 1, "-q") == second + "\n"
    assert store.json("checkpoint", "list", "--namespace", "other") == []


def test_kv_checkpoint_list_refuses_an_unknown_field(store):
    assert "unknown field" in store.refused(2, "checkpoint", "list", "--json=key")


def test_kv_checkpoint_show_counts_later(store):
    put(store, a="123")
    made = point(store, "--uncounted")
    put(store, b="123")
    assert store.json("checkpoint", "show", made)["entries"] is None
    counted = store.json("checkpoint", "show", "--counted", made)
    assert (counted["entries"], counted["bytes"]) == (1, 4) and store.json("checkpoint", "show", made) == counted


@pytest.mark.parametrize("verb, more", [("show", ()), ("diff", ()), ("restore", ()), ("delete", ("--yes",)), ("pin", ())])
def test_kv_checkpoint_verbs_refuse_what_is_no_id(two, verb, more):
    store, before = two[0], two[0].json("checkpoint", "list")
    assert store.refused(2, "checkpoint", verb, "xyz", *more).startswith('error: "xyz" is no id of a checkpoint\n')
    assert store.error(3, "checkpoint", verb, NONE, *more)["message"] == f"no checkpoint {NONE} in this namespace"
    assert store.json("checkpoint", "list") == before and values(store) == {"a": "2", "c": "3"}


def changes(store, *ids):
    return [(row["change"], raw(row["key"]).decode(), row["value"] and raw(row["value"]).decode())
            for row in store.json("checkpoint", "diff", *ids)]


def test_kv_checkpoint_diff_tells_both_ways(two):
    store, first, second = two
    assert changes(store, first, second) == [("put", "a", "2"), ("delete", "b", None), ("put", "c", "2")]
    assert changes(store, second, first) == [("put", "a", "1"), ("put", "b", "1"), ("delete", "c", None)]
    assert changes(store, second) == [("put", "c", "3")]
    assert store.ok("checkpoint", "diff", first, "--json=change,key", "--limit", 1, "-q") == '[{"change":"put","key":{"utf8":"a"}}]\n'


def test_kv_checkpoint_diff_refuses_unknown_checkpoints(two):
    store, first, _ = two
    assert store.error(3, "checkpoint", "diff", first, NONE)["code"] == "not-found"
    assert store.error(3, "checkpoint", "diff", NONE, first)["code"] == "not-found"
    assert "is no id" in store.refused(2, "checkpoint", "diff", first, "now")


def test_kv_checkpoint_restore_can_be_undone(two):
    store, first, _ = two
    store.ok("put", "d", "4", "--ttl", "1h", "--meta", "[1]")
    done = store.json("checkpoint", "restore", first)
    assert (done["put"], done["deleted"]) == (2, 2) and values(store) == {"a": "1", "b": "1"}
    undo = store.ok("checkpoint", "restore", done["undo"], "-o", "raw").strip()
    assert store.all() == {b"a": (b"2", None, False), b"c": (b"3", None, False), b"d": (b"4", [1], True)}
    assert store.json("checkpoint", "restore", undo, "--no-undo")["undo"] is None
    assert values(store) == {"a": "1", "b": "1"} and len(store.json("checkpoint", "list")) == 4


def test_kv_checkpoint_restore_refuses_a_foreign_id(two):
    store, first, _ = two
    store.ok("put", "k", "v", "--namespace", "other")
    assert store.error(3, "checkpoint", "restore", first, "--namespace", "other")["code"] == "not-found"
    assert store.ok("get", "k", "--namespace", "other") == "v\n" and values(store) == {"a": "2", "c": "3"}


def test_kv_checkpoint_delete_leaves_the_others(two):
    store, first, second = two
    assert store.ok("checkpoint", "delete", first, "--yes") == "1 checkpoint removed\n"
    assert [row["id"] for row in store.json("checkpoint", "list")] == [second]
    store.ok("checkpoint", "restore", second)
    assert values(store) == {"a": "2", "c": "2"}


def test_kv_checkpoint_delete_refuses_without_an_answer(two):
    store, first, _ = two
    assert store.refused(2, "checkpoint", "delete", first).startswith(f"error: forget checkpoint {first}")
    assert len(store.json("checkpoint", "list")) == 2


def test_kv_checkpoint_prune_leaves_what_is_pinned(store):
    ids = [point(store, name) for name in "abcd"]
    assert store.json("checkpoint", "pin", ids[0])["changed"] == 1
    assert store.json("checkpoint", "prune", "--newest", 1, "--older-than", "1h")["changed"] == 0
    assert store.json("checkpoint", "prune", "--newest", 1)["changed"] == 2
    assert [row["name"] for row in store.json("checkpoint", "list")] == ["d", "a"]
    assert store.json("checkpoint", "prune", "--daily", 2)["changed"] == 0
    store.ok("checkpoint", "pin", "--undo", ids[0])
    assert store.json("checkpoint", "prune", "--newest", 0) == {"changed": 2, "unchanged": 0, "ids": []}


def test_kv_checkpoint_prune_looks_at_one_name(store):
    for name in ("a", "b", "a", "b"):
        point(store, name)
    assert store.json("checkpoint", "prune", "--newest", 1, "--name", "a")["changed"] == 1
    assert [row["name"] for row in store.json("checkpoint", "list")] == ["b", "a", "b"]


def test_kv_checkpoint_prune_bounds_what_is_kept(two):
    store, first, second = two
    assert store.json("checkpoint", "prune", "--bytes", 1000)["changed"] == 0
    assert store.json("checkpoint", "prune", "--bytes", 210)["changed"] == 1  # two images for the first, one for the second
    assert [row["id"] for row in store.json("checkpoint", "list")] == [second]


def test_kv_checkpoint_prune_refuses_to_delete_everything_unasked(two):
    store = two[0]
    assert store.refused(2, "checkpoint", "prune") == "error: prune needs --newest, --hourly, --daily, --older-than or --bytes\n"
    assert "--older-than is 0" in store.refused(2, "checkpoint", "prune", "--older-than", "0")
    assert len(store.json("checkpoint", "list")) == 2


def test_kv_checkpoint_export_writes_what_import_reads(two, tmp_path):
    store, first, second = two
    base, more = f"{tmp_path}/base", f"{tmp_path}/more"
    told = store.json("checkpoint", "export", first, base)
    assert (told["id"], told["since"], told["entries"], told["deleted"]) == (first, None, 2, 0)
    assert told["file_bytes"] == os.path.getsize(base) and told["namespace"] == "default"
    told = store.json("checkpoint", "export", second, more, "--since", first)
    assert (told["id"], told["since"], told["entries"], told["deleted"]) == (second, first, 2, 1)
    digest = store.json("checkpoint", "show", second)["digest"]
    now = store.json("scan")
    assert now[0]["created"] < now[0]["updated"]
    for name, url in (("lmdb", f"lmdb:{tmp_path}/other"), ("same", store.url)):
        other = Store(url)
        done = ok_json("kv", "checkpoint", "import", "--store", url, "--namespace", name, base, more)
        assert (done["changed"], done["expired"], done["digest"]) == (2, 0, digest)
        listed = ok_json("kv", "scan", "--store", url, "--namespace", name)
        assert [row["created"] for row in listed] == [row["created"] for row in now] and listed[0]["updated"] == now[0]["updated"]
        assert [(raw(row["key"]), raw(row["value"])) for row in listed] == [(b"a", b"2"), (b"c", b"2")]
        assert other.json("count")["count"] == (0 if name == "lmdb" else 2)
    piped = run("kv", "checkpoint", "export", "--store", store.url, first, "-", text=False)
    assert piped.returncode == 0 and piped.stdout == open(base, "rb").read()
    done = run("kv", "checkpoint", "import", "--store", f"lmdb:{tmp_path}/third", "-", "--json", input=piped.stdout, text=False)
    assert json.loads(done.stdout)["changed"] == 2


def test_kv_checkpoint_export_refuses_what_cannot_be(two, tmp_path):
    store, first, second = two
    path = f"{tmp_path}/file"
    assert "no checkpoint" in store.refused(3, "checkpoint", "export", NONE, path)
    assert "is no id" in store.refused(2, "checkpoint", "export", "zz", path)
    assert "--since" in store.refused(2, "checkpoint", "export", first, path, "--since", "zz")
    assert "is not earlier" in store.refused(2, "checkpoint", "export", first, path, "--since", second)
    assert "could not make" in store.refused(1, "checkpoint", "export", first, f"{tmp_path}/no/file")
    assert "No space left" in store.refused(1, "checkpoint", "export", first, "/dev/full")
    assert "the path of the file is empty" in store.refused(2, "checkpoint", "export", first, "")
    assert sorted(os.listdir(tmp_path)) == ["store"]


def test_kv_checkpoint_import_refuses_what_is_damaged(two, tmp_path):
    store, first, second = two
    base, more = f"{tmp_path}/base", f"{tmp_path}/more"
    store.ok("checkpoint", "export", first, base)
    store.ok("checkpoint", "export", second, more, "--since", first)
    assert "--replace" in store.refused(5, "checkpoint", "import", base)
    assert "only what changed" in store.refused(1, "checkpoint", "import", "--replace", more)
    assert "does not follow" in store.refused(1, "checkpoint", "verify", base, base)
    assert "could not open" in store.refused(3, "checkpoint", "import", f"{tmp_path}/none")
    whole = bytearray(open(base, "rb").read())
    for name, content in (("cut", whole[:-1]), ("bent", whole[:90] + bytes([whole[90] ^ 1]) + whole[91:]), ("text", b"{}\n")):
        with open(f"{tmp_path}/{name}", "wb") as out:
            out.write(content)
        assert "at byte" in store.refused(9, "checkpoint", "import", "--replace", f"{tmp_path}/{name}")
        assert store.error(9, "checkpoint", "verify", f"{tmp_path}/{name}")["code"] == "corrupt"
    whole[8] = 9
    with open(f"{tmp_path}/later", "wb") as out:
        out.write(whole)
    assert "is of version 9" in store.refused(2, "checkpoint", "verify", f"{tmp_path}/later")
    assert values(store) == {"a": "2", "c": "3"}
    assert store.json("checkpoint", "import", "--replace", base)["changed"] == 2
    assert values(store) == {"a": "1", "b": "1"}


def test_kv_checkpoint_verify_tells_what_a_file_is(two, tmp_path):
    store, first, second = two
    base, more = f"{tmp_path}/base", f"{tmp_path}/more"
    made = [store.json("checkpoint", "export", first, base), store.json("checkpoint", "export", second, more, "--since", first)]
    assert ok_json("kv", "checkpoint", "verify", base, more) == made  # and no store is named
    (told,) = store.json("checkpoint", "verify", second)
    assert (told["digest"], told["file_bytes"]) == (store.json("checkpoint", "show", second)["digest"], None)


def test_the_example_backs_up_what_changed_whenever_it_was_killed(store, tmp_path):
    folder, env = tmp_path / "backup", environment(PATH=f"{BUILD}:{os.environ['PATH']}")
    backup = [TOP / "examples" / "kv_backup.sh", f"lmdb:{tmp_path}/store", folder]

    def saves():
        done = subprocess.run(backup, env=env, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), done
        return json.loads(done.stdout)

    put(store, a="1", b="1")
    assert saves() == {"entries": 2, "deleted": 0}
    put(store, a="2", c="2")
    store.ok("del", "b")
    assert saves() == {"entries": 2, "deleted": 1}
    (last,) = store.json("checkpoint", "list")
    put(store, d="4")
    store.ok("checkpoint", "export", point(store, "backup"), folder / "100002.hfkv", "--since", last["id"])  # killed before it was noted
    put(store, e="5")
    assert saves() == {"entries": 2, "deleted": 0}
    assert len(store.json("checkpoint", "list")) == 1
    other = Store(f"lmdb:{tmp_path}/other")
    other.ok("checkpoint", "import", *sorted(folder.glob("*.hfkv")), "--json")
    assert values(other) == values(store) == {"a": "2", "c": "2", "d": "4", "e": "5"}


def test_the_example_backs_up_no_store_that_is_mistyped(tmp_path):
    done = subprocess.run([TOP / "examples" / "kv_backup.sh", f"lmdb:{tmp_path}/tpyo", tmp_path / "backup"],
                          env=environment(PATH=f"{BUILD}:{os.environ['PATH']}"), capture_output=True, text=True, timeout=60)
    assert done.returncode == 7 and "there is no store at" in done.stderr and not (tmp_path / "tpyo").exists()


def test_the_example_mixes_no_two_chains(store, tmp_path):
    """Without `last` the first file would be another base than that which the rest follows."""
    folder, env = tmp_path / "backup", environment(PATH=f"{BUILD}:{os.environ['PATH']}")
    for key in "abc":
        put(store, **{key: "1"})
        backup = subprocess.run([TOP / "examples" / "kv_backup.sh", store.url, folder], env=env, capture_output=True, text=True, timeout=60)
        assert backup.returncode == 0, backup
    (folder / "last").unlink()
    backup = subprocess.run(backup.args, env=env, capture_output=True, text=True, timeout=60)
    assert (backup.returncode, "begin in another folder" in backup.stderr) == (1, True)
    other = Store(f"lmdb:{tmp_path}/other")
    other.ok("checkpoint", "import", *sorted(folder.glob("*.hfkv")), "--json")
    assert values(other) == values(store)


def test_the_example_waits_for_another_of_its_kind(store, tmp_path):
    """The one that is in the middle would note a checkpoint that the other prunes, and no run after it would do."""
    folder, slow, begun, go = (tmp_path / name for name in ("backup", "slow", "begun", "go"))
    slow.mkdir()
    (slow / "holdfast").write_text(f"""#!/bin/sh
case "$3" in export) touch {begun}; while [ ! -e {go} ]; do sleep 0.02; done ;; esac
exec {BUILD}/holdfast "$@"
""")
    (slow / "holdfast").chmod(0o755)

    def start(path):
        return subprocess.Popen([TOP / "examples" / "kv_backup.sh", store.url, folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env=environment(PATH=f"{path}:{os.environ['PATH']}"))
    put(store, a="1")
    first = start(slow)
    while not begun.exists():
        assert first.poll() is None
    put(store, b="1")
    second = start(BUILD)
    try:
        second.wait(0.5)
    except subprocess.TimeoutExpired:
        pass
    go.touch()
    saved = [json.loads(process.communicate(timeout=60)[0] or "null") for process in (first, second)]
    assert saved == [{"entries": 1, "deleted": 0}] * 2
    put(store, c="1")
    assert json.loads(start(BUILD).communicate(timeout=60)[0]) == {"entries": 1, "deleted": 0}
