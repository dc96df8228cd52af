"""Fixtures: rows per table as JSON, loaded with plain INSERTs, and a quick way back to empty.

The format is the one that tests/data/janitor/README.md documents; the same loader
serves the original's schema and ours.
"""

import json

# Order in which tables are filled so that every foreign key finds its row.
TABLES = ("worker", "codebase", "change_set", "named_publish_policy", "candidate", "run",
          "new_result_branch", "merge_proposal", "publish", "review", "followup",
          "debian_build", "site_session", "branch_publish_policy", "result_tag", "result_branch", "queue")
SEQUENCES = ("candidate_id_seq", "queue_id_seq")
VACUUM_EVERY = 100

# Not part of the schema; a fixture that names it gets it, any other runs without.
VERSIONS = "all_debian_versions"


class Loader:
    """Empties and fills one database over one connection (a superuser's)."""

    def __init__(self, conn):
        self.conn = conn
        self.resets = 0
        self.versions_there = False

    async def empty(self):
        """Every table empty, sequences at their start; triggers and keys do not fire."""
        everything = "".join(f"DELETE FROM {t};" for t in (*TABLES, "last_run"))
        starts = "".join(f"ALTER SEQUENCE {s} RESTART;" for s in SEQUENCES)
        drop = f"DROP TABLE {VERSIONS};" if self.versions_there else ""
        await self.conn.execute(
            f"SET session_replication_role = replica; {everything} {starts} {drop} "
            "SET session_replication_role = origin;")
        self.versions_there = False
        self.resets += 1
        if self.resets % VACUUM_EVERY == 0:
            for table in (*TABLES, "last_run"):
                await self.conn.execute(f"VACUUM {table}")

    async def load(self, tables):
        """Insert `tables` ({name: [row, ...]}, rows of a table with equal columns)."""
        if VERSIONS in tables:
            await self.conn.execute(f"CREATE TABLE {VERSIONS} (source text, version debversion)")
            self.versions_there = True
        for name in (*TABLES, VERSIONS):
            rows = tables.get(name)
            if not rows:
                continue
            columns = ", ".join(f'"{c}"' for c in rows[0])
            # Bound as text: the connection may or may not have a JSON codec.
            await self.conn.execute(
                f"INSERT INTO {name} ({columns}) "
                f"SELECT {columns} FROM json_populate_recordset(NULL::{name}, ($1::text)::json)",
                json.dumps(rows))
        for sequence, value in tables.get("sequences", {}).items():
            await self.conn.execute("SELECT setval($1::text::regclass, $2)", sequence, value)


QUEUE_COLUMNS = ("id", "bucket", "codebase", "suite", "change_set", "command", "priority", "context",
                 "estimated_duration_us", "estimated_duration", "refresh", "requester")

_QUEUE = """
SELECT id, bucket::text, codebase, suite::text, change_set, command, priority, context,
       (extract(epoch FROM estimated_duration) * 1000000)::bigint AS estimated_duration_us,
       estimated_duration::text AS estimated_duration, refresh, requester
FROM queue
"""


async def queue_rows(conn):
    """The whole queue as lists in the order of QUEUE_COLUMNS, by id."""
    return [list(r) for r in await conn.fetch(_QUEUE + "ORDER BY id, bucket, codebase, suite")]


async def queue_row(conn, number):
    """One queue row as a list, or None."""
    row = await conn.fetchrow(_QUEUE + "WHERE id = $1", number)
    return None if row is None else list(row)


async def queue_sequence(conn):
    """[last value, already given out] of the queue's ids."""
    return list(await conn.fetchrow("SELECT last_value, is_called FROM queue_id_seq"))


# What the clock says is not part of an answer.
_ROWS = """
SELECT coalesce(json_agg(line ORDER BY line::text COLLATE "C"), '[]')::text
  FROM (SELECT to_jsonb(t) - ARRAY[{clock}] AS line FROM {table} AS t) AS lines
"""
CLOCK = {"review": "'reviewed_at'", "publish": "'timestamp'", "merge_proposal": "'last_scanned'"}


async def rows_of(conn, table):
    """All rows of a table as objects, sorted by their text."""
    return json.loads(await conn.fetchval(_ROWS.format(table=table, clock=CLOCK.get(table, "''"))))
