"""holdfast kv on PostgreSQL: the configured database is the store, and stores exchange what they hold."""

import json

import pytest

from command import ok, ok_json, refused, run


@pytest.fixture
def url(cluster, empty):
    return f"postgresql:///{empty.name}?host={cluster.server.dir}&user={cluster.server.user}"


def test_the_database_is_the_store(empty, url, tmp_path):
    ok("-d", url, "kv", "put", "greeting", "hello", "--ttl", "10m", "--meta", '{"by":"me"}')
    shown = ok_json("kv", "get", "greeting", env={"DATABASE_URL": url})
    assert (shown["value"], shown["metadata"]) == ({"utf8": "hello"}, {"by": "me"}) and 500 < shown["ttl_s"] <= 600
    assert ok("kv", "incr", "n", "--by", 41, "--store", url) == "41\n"
    assert ok("-d", url, "kv", "count", env={"HOLDFAST_KV_URL": f"lmdb:{tmp_path}/x"}) == "2\n", "the flag is stronger"
    assert ok_json("-d", url, "kv", "stats")["backend"] == "postgresql"
    assert empty.value("SELECT count(*) FROM public.state_entries") == 2


def test_schema_and_table_have_the_names_of_the_configuration(empty, url):
    empty.execute('CREATE SCHEMA "it\'s"')
    env = {"HOLDFAST_KV_SCHEMA": "it's", "HOLDFAST_KV_TABLE": 'my "own"'}
    ok("-d", url, "kv", "put", "k", "v", env=env)
    assert empty.value("""SELECT count(*) FROM "it's"."my ""own\"\"\" """) == 1
    assert refused(3, "-d", url, "kv", "get", "k") == 'error: key "k" is not there\n'


def test_copies_between_kinds_of_stores_lose_nothing(url, tmp_path):
    lines = "".join(json.dumps({"key": {"hex": f"{i:04x}"}, "value": "v" * (i % 50), "metadata": [i] if i % 3 else None}) + "\n"
                    for i in range(2500))
    first, back = f"lmdb:{tmp_path}/first", f"lmdb:{tmp_path}/back"
    assert ok_json("kv", "import", "-", "--store", first, input=lines)["changed"] == 2500
    assert ok_json("kv", "copy", "--from", first, "--to", url)["changed"] == 2500
    assert ok_json("kv", "copy", "--from", url, "--to", back)["changed"] == 2500

    def entries(store):
        return [[row[name] for name in ("key", "value", "metadata", "expires")]
                for row in map(json.loads, ok("kv", "export", "--store", store).splitlines())]
    assert entries(first) == entries(url) == entries(back) and len(entries(url)) == 2500


def test_a_dry_run_refuses_tables_that_the_run_refuses(empty, url, tmp_path):
    """It makes none where none are; those of a newer version it does not take for none."""
    copy = ("kv", "copy", "--from", f"lmdb:{tmp_path}/from", "--to", url)
    ok("kv", "put", "k", "v", "--store", f"lmdb:{tmp_path}/from")
    assert ok_json(*copy, "--dry-run")["changed"] == 1
    assert empty.value("SELECT count(*) FROM pg_class WHERE relname LIKE 'state_%'") == 0
    assert ok_json(*copy)["changed"] == 1
    empty.execute("UPDATE holdfast.migration_meta SET value = 99")
    assert "a newer holdfast worked on this database" in refused(1, *copy)
    assert "a newer holdfast worked on this database" in refused(1, *copy, "--dry-run")


def test_kv_copy_makes_no_tables_to_read_from(empty, url, tmp_path):
    said = "there is no store in table public.state_entries\n"
    assert refused(3, "kv", "copy", "--from", url, "--to", f"lmdb:{tmp_path}/to").startswith(f"error: --from: {said}")
    assert refused(3, "kv", "export", "--store", url).startswith(f"error: {said}")
    assert empty.value("SELECT count(*) FROM pg_class WHERE relname LIKE 'state_%'") == 0


def test_a_throw_away_server_is_a_store():
    assert ok("--private", "kv", "incr", "n") == "1\n"


def test_a_database_that_does_not_answer_is_exit_7():
    assert run("kv", "get", "k", "-d", "postgresql:///x?host=/nowhere").returncode == 7
    assert run("kv", "get", "k", "--store", "redis://127.0.0.1:1").returncode == 7


def test_the_database_has_locks_and_checkpoints(url):
    assert ok("-d", url, "kv", "lock", "run", "job", "--owner", "me", "--", "sh", "-c", "echo $HOLDFAST_FENCE") == "1\n"
    assert ok_json("-d", url, "kv", "lock", "status", "job")["held"] is False
    assert ok("-d", url, "kv", "lock", "acquire", "job", "--owner", "you", "--ttl", "1h", "-o", "raw") == "2\n"
    assert refused(5, "-d", url, "kv", "lock", "run", "job", "--", "true") == 'error: lock "job" is held by "you" with fence 2\n'
    ok("-d", url, "kv", "put", "pointed", "1")
    made = ok("-d", url, "kv", "checkpoint", "create", "-o", "raw").strip()
    ok("-d", url, "kv", "put", "pointed", "2")
    assert ok_json("-d", url, "kv", "checkpoint", "restore", made)["put"] == 1
    assert ok("-d", url, "kv", "get", "pointed", "-o", "raw") == "1"
    assert refused(3, "-d", url, "kv", "checkpoint", "delete", "6f1c3a52-0d1e-4b4f-9a57-2f0c8f3e9b11").startswith("error: no checkpoint")


@pytest.mark.parametrize("verb, before, after", [
    (("put", "k", "x"), "v", "x"), (("incr", "n", "--by", "5"), "1", "6"),
    (("append", "k", "+"), "v", "v+"), (("cas", "k", "v", "w"), "v", "w"), (("touch", "k", "--ttl", "1h"), "v", "v"),
    (("persist", "k"), "v", "v"), (("del", "k", "l"), "v", None)])
def test_a_token_makes_a_write_happen_once(url, verb, before, after):
    token = "00112233445566778899aabbccddeeff"
    key = verb[1]
    ok("-d", url, "kv", "put", key, before)
    first, second = (ok_json("-d", url, "kv", *verb, "--token", form) for form in
                     (token, "00112233-4455-6677-8899-AABBCCDDEEFF"))
    assert not first.pop("repeated", False) and second.pop("repeated") is True and first == second
    if after:
        assert ok("-d", url, "kv", "get", key, "-o", "raw") == after
    assert ok("-d", url, "kv", "put", "other", "", "--token", "f" * 32) == ""
    assert "was used for another request" in refused(2, "-d", url, "kv", "put", "other", "x", "--token", "f" * 32)


def test_a_token_that_is_none_is_refused(url, tmp_path):
    for text in ("", "12", "g" * 32, "0" * 31, "0" * 33):
        assert refused(2, "-d", url, "kv", "incr", "n", "--token", text).startswith(
            f'error: --token takes 32 hexadecimal digits, not "{text}"')
    assert "a token of zeros is none" in refused(2, "-d", url, "kv", "incr", "n", "--token", "0" * 32)
    assert "takes no token" in refused(2, "-d", url, "kv", "put", "n", "--chunked", "--token", "1" * 32, input="v")
    assert "lmdb keeps no tokens" in refused(2, "kv", "del", "n", "--token", "1" * 32, "--store", f"lmdb:{tmp_path}/x")
    assert ok("-d", url, "kv", "count") == "0\n"


def test_kv_index_is_made_listed_and_dropped(url):
    ok("-d", url, "kv", "put", "k", "v", "--meta", '{"source":"here"}')
    assert ok_json("-d", url, "kv", "index", "create", "source")["changed"] == 1
    assert ok("-d", url, "kv", "index", "create", "--all") == "1 index changed\n"
    listed = ok_json("-d", url, "kv", "index", "list")
    assert [(row["member"], row["valid"]) for row in listed] == [(None, True), ("source", True)]
    assert len(ok_json("-d", url, "kv", "scan", "--with-meta", '{"source":"here"}')) == 1
    assert ok("-d", url, "kv", "index", "drop", "source") == "1 index removed\n"
    ok("-d", url, "kv", "index", "drop", "--all")
    assert ok_json("-d", url, "kv", "index", "list") == []


def test_kv_index_create_refuses_what_cannot_be(url, tmp_path):
    assert refused(2, "-d", url, "kv", "index", "create").startswith("error: name a member of the metadata, or say --all")
    assert refused(2, "-d", url, "kv", "index", "create", "a", "--all").startswith("error: name a member")
    assert refused(2, "-d", url, "kv", "index", "create", 'a"b').startswith("error: a member of metadata")
    assert refused(2, "kv", "index", "create", "a", "--store", f"lmdb:{tmp_path}/x").startswith("error: lmdb has no indexes")


def test_kv_index_drop_refuses_what_is_not_there(url):
    assert refused(3, "-d", url, "kv", "index", "drop", "nobody") == "error: there is no index on member nobody\n"
    assert refused(3, "-d", url, "kv", "index", "drop", "--all") == "error: there is no index on all metadata\n"


def test_kv_index_list_refuses_other_stores():
    assert refused(2, "kv", "index", "list", "--store", "memory:").startswith("error: memory has no indexes on metadata\n")
