"""holdfast kv import of other programs' tables: everything that lives comes over, as often as one likes."""

import json
import signal
import subprocess

import pytest

from command import PROGRAM, environment, ok, ok_json, refused, run
from kv_store import Store
from test_interrupt import wait_for_sleep


@pytest.fixture
def url(cluster, empty):
    return f"postgresql:///{empty.name}?host={cluster.server.dir}&user={cluster.server.user}"


@pytest.fixture
def store(tmp_path):
    return Store(f"lmdb:{tmp_path}/store")


SEED = """
CREATE TABLE state_entries (key bytea PRIMARY KEY, value bytea NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz, metadata jsonb);
INSERT INTO state_entries (key, value, expires_at, metadata) VALUES ('a', '1', NULL, '{"by": "me"}'), ('\\x00ff', '', NULL, NULL),
    ('b', 'old', now() - interval '1 s', NULL), ('c', 'short', now() + interval '1 hour', '[1]');
UPDATE state_entries SET created_at = '2019-05-06 07:08:09.000001Z' WHERE key = 'a';
UPDATE state_entries SET created_at = '1969-12-31 23:59:59Z' WHERE key = 'c';
INSERT INTO state_entries (key, value) SELECT convert_to(format('k%s', lpad(i::text, 5, '0')), 'UTF8'), '\\x78' FROM generate_series(1, 2500) AS i;
CREATE TABLE state_checkpoints (checkpoint_id uuid PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(), checkpoint_data jsonb NOT NULL,
    metadata jsonb, row_count bigint NOT NULL, data_size bigint NOT NULL);
INSERT INTO state_checkpoints VALUES
    ('00000000-0000-4000-8000-000000000002', now(), '[{"key": "61", "value": "32"}]', '{"n": 2}', 1, 2),
    ('00000000-0000-4000-8000-000000000001', now() - interval '1 day', '[{"key": "61", "value": "00ff"}, {"key": "", "value": ""}]', NULL, 2, 3);
"""

DAPR = """
CREATE TABLE state (key text NOT NULL PRIMARY KEY, value bytea NOT NULL, etag uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz, expires_at timestamptz);
INSERT INTO state (key, value, expires_at) VALUES ('app||b', '{"n":1}', NULL), ('app||a', '\\x00', now() + interval '1 hour'),
    ('app||gone', '', now() - interval '1 s'), ('app||ü', 'x', NULL);
UPDATE state SET created_at = '2019-05-06 07:08:09Z' WHERE key = 'app||b';
"""


def test_kv_import_brings_the_seeds_tables(empty, url, store):
    empty.execute(SEED)
    assert store.json("import", "--from-seed-tables", url, "--dry-run")["changed"] == 2503
    assert store.refused(7, "count").startswith("error: there is no store at ")
    told = store.json("import", "--from-seed-tables", url)
    assert (told["changed"], told["expired"]) == (2503, 0)
    here = store.all()
    assert len(here) == 2503 and here[b"a"] == (b"1", {"by": "me"}, False) and here[b"c"] == (b"short", [1], True)
    assert here[b"\0\xff"] == (b"", None, False) and here[b"k02500"] == (b"x", None, False) and b"b" not in here
    assert 3500 < store.json("ttl", "c")["ttl_s"] <= 3600
    assert store.json("import", "--from-seed-tables", url)["changed"] == 2503 and store.all() == here, "once more is the same"
    assert store.json("import", "--from-seed-tables", url, "--after", "k02000")["changed"] == 500
    assert empty.value("SELECT count(*) FROM state_entries") == 2504, "theirs is not changed"


def test_kv_import_makes_their_checkpoints_anew(empty, url, store):
    empty.execute(SEED)
    told = store.json("import", "--from-seed-tables", url, "--with-checkpoints")
    assert told["changed"] == 2506
    new, old = store_checkpoints(store)
    assert (old["name"], old["entries"], old["metadata"]) == ("00000000-0000-4000-8000-000000000001", 2, None)
    assert (new["name"], new["entries"], new["metadata"]) == ("00000000-0000-4000-8000-000000000002", 1, {"n": 2})
    assert len(store.all()) == 2503
    ok("kv", "checkpoint", "restore", old["id"], "--store", store.url)
    assert store.all() == {b"a": (b"\0\xff", None, False), b"": (b"", None, False)}
    assert "has 2 entries" in store.refused(5, "import", "--from-seed-tables", url, "--with-checkpoints")


def test_kv_import_keeps_when_an_entry_was_made(empty, url, store):
    empty.execute(SEED + DAPR)
    store.json("import", "--from-seed-tables", url)
    assert store.json("get", "a")["created"] == "2019-05-06T07:08:09.000001Z"
    assert store.json("get", "c")["created"] == "1970-01-01T00:00:00.000001Z", "as early as there is"
    store.json("import", "--from-dapr", url)
    assert store.json("get", "app||b")["created"] == "2019-05-06T07:08:09.000000Z"
    assert store.json("get", "app||a")["created"] > "2025"


def test_kv_import_takes_times_without_an_end(empty, url, store):
    empty.execute(SEED)
    empty.execute("UPDATE state_entries SET created_at = '-infinity', expires_at = 'infinity' WHERE key = 'a'")
    empty.execute("UPDATE state_entries SET created_at = 'infinity', expires_at = '290000-01-01' WHERE key = 'c'")
    before = store.json("import", "--from-seed-tables", url)
    assert (before["changed"], before["expired"]) == (2503, 0)
    early, late = store.json("get", "a"), store.json("get", "c")
    assert (early["created"], early["expires"]) == ("1970-01-01T00:00:00.000001Z", None)
    assert late["created"] == late["updated"] and late["expires"] > "2100"


def store_checkpoints(store):
    return ok_json("kv", "checkpoint", "list", "--store", store.url)


def test_kv_import_brings_daprs_table(empty, url, store):
    empty.execute(DAPR)
    assert store.json("import", "--from-dapr", url)["changed"] == 3
    assert store.all() == {b"app||a": (b"\0", None, True), b"app||b": (b'{"n":1}', None, False), "app||ü".encode(): (b"x", None, False)}
    empty.execute('ALTER TABLE state RENAME TO "my state"')
    assert store.json("import", "--from-dapr", url, "--from-table", "my state", "--after", "app||b")["changed"] == 1


SLEEPS = """CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
CREATE TRIGGER wait BEFORE INSERT ON mine FOR EACH ROW WHEN (NEW.key = '{}') EXECUTE FUNCTION wait()"""


def interrupted(empty, url, *args):
    """The hint of an import into the table `mine` that gets SIGINT where an entry is waited for."""
    child = subprocess.Popen([PROGRAM, "-d", url, "kv", "import", "--from-seed-tables", url, *args, "--json"],
                             env=environment(HOLDFAST_KV_TABLE="mine"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    wait_for_sleep(empty)
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=60)
    assert child.returncode == 130
    return json.loads(told.splitlines()[-1])["error"]["hint"]


def test_kv_import_that_is_interrupted_says_where_to_go_on(empty, url):
    empty.execute(SEED)
    ok("-d", url, "kv", "count", env={"HOLDFAST_KV_TABLE": "mine"})
    empty.execute(SLEEPS.format("k02100"))
    assert interrupted(empty, url) == "2000 entries are stored; go on behind them --after '\\x6b3031393937'"
    assert empty.value("SELECT count(*) FROM mine") == 2000


def test_kv_import_of_checkpoints_that_is_interrupted_claims_no_entries(empty, url):
    empty.execute(SEED)
    ok("-d", url, "kv", "count", env={"HOLDFAST_KV_TABLE": "mine"})
    empty.execute(SLEEPS.format("k00001"))
    assert interrupted(empty, url, "--with-checkpoints") is None
    assert empty.value("SELECT count(*) FROM mine") == 0, "they are in checkpoints"


def test_the_store_takes_the_place_of_the_seeds_tables(empty, url):
    empty.execute(SEED)
    message = refused(5, "-d", url, "kv", "get", "a")
    assert "was not made by holdfast" in message and "holdfast kv import" in message
    env = {"HOLDFAST_KV_TABLE": "mine"}
    assert ok_json("-d", url, "kv", "import", "--from-seed-tables", url, env=env)["changed"] == 2503
    assert ok("-d", url, "kv", "get", "a", env=env) == "1\n"


def test_kv_import_refuses_what_is_no_source(empty, url, store):
    assert "--from-seed-tables and --from-dapr" in store.refused(2, "import", "--from-seed-tables", url, "--from-dapr", url)
    assert "--with-checkpoints goes with" in store.refused(2, "import", "--from-dapr", url, "--with-checkpoints")
    assert "FILE" in store.refused(2, "import")
    assert "FILE" in store.refused(2, "import", "x", "--from-dapr", url)
    done = run("kv", "import", "--store", store.url, "--from-seed-tables", url)
    assert done.returncode not in (0, 2) and "state_entries" in done.stderr
    empty.execute(SEED)
    empty.execute("""UPDATE state_checkpoints SET checkpoint_data = '[{"key": "61"}]'""")
    assert "checkpoint 00000000-0000-4000-8000-000000000001: an entry has no key or no value" in store.refused(
        1, "import", "--from-seed-tables", url, "--with-checkpoints")
    empty.execute("INSERT INTO state_entries VALUES (repeat('x', 481)::bytea, '')")
    told = store.refused(1, "import", "--from-seed-tables", url)
    assert "at most 480 are kept" in told and "2000 entries are stored; go on behind them   --after '\\x6b3031393937'" in told
