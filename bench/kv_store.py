"""What the parts of kv share: how many rows, and a durable server that holds them twice: in a store and in a plain table.

The plain table is what a program would make that needs nothing but keys, values and an expiry: no epoch, no revision, no
times, no metadata. Keys and values are those of bench/kv_common.h.
"""

import contextlib
import os

import servers

ROWS = int(os.environ.get("BENCH_KV_ROWS", "1000000"))
DATABASE = "bench"

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


@contextlib.contextmanager
def store(build, rows=ROWS, plain=True):
    """A server with fsync on, whose database holds `rows` entries in namespace "default" and as many in `plain`: (server, URL)."""
    with servers.Server(build, durable=True) as server:
        server.create(DATABASE)
        server.run(DATABASE, "kv", "count")  # makes the tables
        server.psql(DATABASE, _ENTRIES % (rows - 1) + (_PLAIN % (rows - 1) if plain else ""), "rows")
        server.psql(DATABASE, "VACUUM ANALYZE;", "statistics")
        server.psql(DATABASE, "CHECKPOINT;", "checkpoint")
        yield server, server.url(DATABASE)
