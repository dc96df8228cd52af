"""Fixtures for tests that talk to a real PostgreSQL.

One private cluster per test session, one template database with the Janitor's
migrations applied, a fresh copy of it for each test. The cluster is that of
tests/parity/scratch.py: unix socket only, stopped by pid, gone afterwards.

The migrations are applied here by a few lines of Python, section by section in one
transaction per file, so that a defect of the migration engine cannot hide one of the schema.
"""

import asyncio
import pathlib
import re
import sys

import asyncpg
import pytest

TESTS = pathlib.Path(__file__).resolve().parent
MIGRATIONS = TESTS.parent / "sql" / "migrations"
TEMPLATE = "janitor_template"

sys.path.insert(0, str(TESTS / "parity"))
import scratch  # noqa: E402  (after the path)


class Migration:
    """One migration file: its version, name and sections ("up", "verify", "down")."""

    def __init__(self, path):
        self.path = path
        self.version, self.name = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name).groups()
        parts = re.split(r"(?m)^-- (up|verify|down)[ \t]*$\n?", path.read_text(encoding="utf-8"))
        self.preamble = parts[0]
        self.sections = dict(zip(parts[1::2], parts[2::2]))
        assert len(self.sections) * 2 + 1 == len(parts), f"{path.name}: a section stands twice"

    def up(self, database):
        database.execute(self.sections["up"])

    def verify(self, database):
        return database.value(self.sections["verify"].strip().rstrip(";"))

    def down(self, database):
        database.execute(self.sections["down"])


def migrations(of="janitor"):
    """All migrations of a set in order of application."""
    return [Migration(path) for path in sorted((MIGRATIONS / of).glob("*.sql"))]


class Database:
    """A connection without the ceremony of coroutines. Keeps the server's notices."""

    def __init__(self, name, loop, **connect):
        self.name = name
        self.host, self.user = connect.get("host"), connect.get("user")
        self.notices = []
        self._loop = loop
        self._conn = self._run(asyncpg.connect(database=name, **connect))
        self._conn.add_log_listener(lambda _, message: self.notices.append(message.message))

    def _run(self, awaitable):
        return self._loop.run_until_complete(asyncio.wait_for(awaitable, 60))

    def execute(self, sql, *args):
        """Run SQL; without arguments several statements may stand in it, in one transaction."""
        return self._run(self._conn.execute(sql, *args))

    def rows(self, sql, *args):
        """All rows as tuples."""
        return [tuple(row) for row in self._run(self._conn.fetch(sql, *args))]

    def row(self, sql, *args):
        """The only row."""
        rows = self.rows(sql, *args)
        assert len(rows) == 1, f"{len(rows)} rows, not one: {sql}"
        return rows[0]

    def value(self, sql, *args):
        """The only column of the only row."""
        (value,) = self.row(sql, *args)
        return value

    def column(self, sql, *args):
        """The only column of all rows."""
        return [value for (value,) in self.rows(sql, *args)]

    def refused(self, sql, *args):
        """Run a statement that must fail, and give its error."""
        with pytest.raises(asyncpg.PostgresError) as caught:
            self.execute(sql, *args)
        return caught.value

    def call(self, function):
        """Run a coroutine function on the connection."""
        return self._run(function(self._conn))

    def close(self):
        if not self._conn.is_closed():
            self._run(self._conn.close())


class Cluster:
    """Makes and drops databases of one running server."""

    def __init__(self, server):
        self.server = server
        self.loop = asyncio.new_event_loop()
        self._count = 0
        self._admin = self.connect("postgres")

    def connect(self, name, user=None):
        return Database(name, self.loop, host=self.server.dir, user=user or self.server.user)

    def create(self, template="template0", owner=None):
        """A new database; returns its name."""
        self._count += 1
        name = f"t{self._count}"
        self._admin.execute(f'CREATE DATABASE {name} TEMPLATE {template}' + (f' OWNER {owner}' if owner else ''))
        return name

    def drop(self, name):
        self._admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, sql):
        return self._admin.execute(sql)

    def close(self):
        self._admin.close()
        self.loop.close()


@pytest.fixture(scope="session")
def cluster():
    with scratch.scratch() as server:
        made = Cluster(server)
        yield made
        made.close()


@pytest.fixture
def empty(cluster):
    """A database without anything in it."""
    name = cluster.create()
    database = cluster.connect(name)
    yield database
    database.close()
    cluster.drop(name)


@pytest.fixture(scope="session")
def template(cluster):
    """Name of a database with the Janitor's migrations applied."""
    cluster.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
    database = cluster.connect(TEMPLATE)
    for migration in migrations():
        migration.up(database)
    database.close()
    return TEMPLATE


@pytest.fixture(scope="session")
def still(cluster, template):
    """A read-only look at the Janitor's schema, shared by the tests that change nothing."""
    database = cluster.connect(cluster.create(template))
    database.execute("SET default_transaction_read_only = on")
    yield database
    database.close()


@pytest.fixture
def db(cluster, template):
    """A fresh database with the Janitor's schema."""
    name = cluster.create(template)
    database = cluster.connect(name)
    yield database
    database.close()
    cluster.drop(name)
