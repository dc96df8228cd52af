"""Our schema in a scratch database, made from the migrations in the tree.

Until the tests go through the command, psql applies the `-- up` part of each file in order.
HOLDFAST_PARITY_URL names a database that already has the schema instead (a superuser's URL).
"""

import glob
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MIGRATIONS = os.path.join(ROOT, "sql", "migrations", "janitor")


def up_part(text):
    """The statements after the line `-- up`, up to the next part of the file."""
    lines = text.splitlines(keepends=True)
    marks = [line.strip() for line in lines]
    first = marks.index("-- up") + 1
    ends = [marks.index(m) for m in ("-- verify", "-- down") if m in marks]
    return "".join(lines[first:min(ends, default=len(lines))])


def migrations():
    return sorted(glob.glob(os.path.join(MIGRATIONS, "*.sql")))


def load_schema(server, database):
    """A database with every migration of the set `janitor` applied."""
    server.create(database)
    for path in migrations():
        with open(path, encoding="utf-8") as text:
            server.psql(database, up_part(text.read()), os.path.basename(path))
