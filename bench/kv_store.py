"""What the parts of kv share: how many rows, and a durable server that holds them twice: in a store and in a plain table.

The plain table is what a program would make that needs nothing but keys, values and an expiry: no epoch, no revision, no
times, no metadata. Keys and values are those of bench/kv_common.h.
"""

import contextlib
import os

import servers

ROWS = int(os.environ.get("BENCH_KV_ROWS", "1000000"))
DATABASE = "bench"
SERVER = "one server with fsync and synchronous_commit on and a quarter of the memory, at most 2 GiB, as shared_buffers"

_KEY = "convert_to('key:' || lpad(i::text, 20, '0'), 'UTF8')"
_VALUE = "decode(md5(i::text) || md5((i + 1)::text) || repeat(md5((-i)::text), 14), 'hex')"
_ENTRIES = f"""
INSERT INTO state_entries (rev, created_at, updated_at, namespace, epoch, key, value)
SELECT nextval('state_entries_rev'), now(), now(), n.id, n.epoch, {_KEY}, {_VALUE}
FROM state_entries_namespaces AS n, generate_series(0, %d) AS i WHERE n.name = 'default';
"""
_PLAIN = f"""
CREATE TABLE plain (key bytea PRIMARY KEY, value bytea NOT NULL, expires_at timestamptz) WITH (fillfactor = 80);
INSERT INTO plain (key, value) SELECT {_KEY}, {_VALUE} FROM generate_series(0, %d) AS i;
"""
# The seed's table with its indexes and its trigger, but for the index that PostgreSQL refuses (its predicate asks now()).
_SEED = f"""
CREATE TABLE seed (key bytea PRIMARY KEY, value bytea NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
                   updated_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz, metadata jsonb);
INSERT INTO seed (key, value) SELECT {_KEY}, {_VALUE} FROM generate_series(0, %d) AS i;
CREATE INDEX ON seed (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX ON seed USING gin (metadata);
CREATE INDEX ON seed (created_at);
CREATE INDEX ON seed (updated_at);
CREATE FUNCTION seed_touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.updated_at = now(); RETURN NEW; END';
CREATE TRIGGER seed_touch BEFORE UPDATE ON seed FOR EACH ROW EXECUTE FUNCTION seed_touch();
"""


@contextlib.contextmanager
def store(build, rows=ROWS, plain=True, seed=False):
    """Such a server, whose database holds `rows` entries in namespace "default", as many in `plain` and, on request, in
    `seed`: (server, URL)."""
    with servers.Server(build, durable=True, settings=[servers.buffers()]) as server:
        server.create(DATABASE)
        for setting in ("max_wal_size = '32GB'", "checkpoint_timeout = '1h'"):  # none falls into the measuring
            server.psql("postgres", f"ALTER SYSTEM SET {setting};", setting)
        server.psql("postgres", "SELECT pg_reload_conf();", "reload")
        server.run(DATABASE, "kv", "count")  # makes the tables
        server.psql(DATABASE, _ENTRIES % (rows - 1) + (_PLAIN % (rows - 1) if plain else ""), "rows")
        if seed:
            server.psql(DATABASE, _SEED % (rows - 1), "the seed's rows")
        server.psql(DATABASE, "CHECKPOINT;", "checkpoint")
        server.psql(DATABASE, "VACUUM (FREEZE, ANALYZE);", "statistics")  # behind it, so that no page is logged as a whole
        yield server, server.url(DATABASE)
