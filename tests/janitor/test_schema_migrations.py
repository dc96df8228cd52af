"""The migrations as files: sections, the way up, down and up again, comments on everything.

That the schema is the original's is judged by tests/parity/test_schema.py.
"""

import pytest

import catalog
import conftest
from test_schema_extensions import EXTENSIONS, LEFT

COMMENTS = """
SELECT pg_describe_object(classoid, objoid, objsubid), description FROM pg_description
WHERE objoid >= 16384 ORDER BY 1
"""


def test_versions_are_consecutive_and_every_file_has_three_sections():
    found = conftest.migrations()
    assert [int(m.version) for m in found] == list(range(1, len(found) + 1))
    for migration in found:
        assert migration.preamble.startswith("-- migrate: "), migration.path.name
        assert list(migration.sections) == ["up", "verify", "down"], migration.path.name


def test_up_down_and_up_again(empty):
    """Each way down gives back exactly what was there before its way up."""
    before = []
    for migration in conftest.migrations():
        before.append((empty.call(catalog.read), empty.rows(COMMENTS), empty.column(LEFT), empty.column(EXTENSIONS)))
        migration.up(empty)
        assert migration.verify(empty) is True, migration.path.name
    whole = (empty.call(catalog.read), empty.rows(COMMENTS))
    for migration in reversed(conftest.migrations()):
        migration.down(empty)
        assert (empty.call(catalog.read), empty.rows(COMMENTS), empty.column(LEFT), empty.column(EXTENSIONS)) \
            == before.pop(), migration.path.name
    for migration in conftest.migrations():
        migration.up(empty)
    assert (empty.call(catalog.read), empty.rows(COMMENTS)) == whole


def test_verify_of_a_migration_that_was_not_applied_is_not_true(empty):
    for migration in conftest.migrations():
        assert not _says_true(empty, migration), migration.path.name
        migration.up(empty)
        assert _says_true(empty, migration), migration.path.name


def _says_true(database, migration):
    try:
        return migration.verify(database) is True
    except conftest.asyncpg.PostgresError:
        return False


def test_migrations_do_not_depend_on_the_search_path(empty):
    empty.execute("CREATE SCHEMA elsewhere; SET search_path = elsewhere")
    for migration in conftest.migrations():
        migration.up(empty)
        assert migration.verify(empty) is True, migration.path.name
    assert empty.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'elsewhere'::regnamespace") == 0
    for migration in reversed(conftest.migrations()):
        migration.down(empty)
    assert empty.column(LEFT) == []


def test_the_whole_by_a_plain_owner_once_debversion_is_there(plain_with_debversion):
    for migration in conftest.migrations():
        migration.up(plain_with_debversion)
        assert migration.verify(plain_with_debversion) is True, migration.path.name


@pytest.fixture
def plain_with_debversion(cluster):
    cluster.execute("CREATE ROLE keeper LOGIN")
    name = cluster.create(owner="keeper")
    admin = cluster.connect(name)
    admin.execute(conftest.scratch.debversion_script())
    admin.close()
    database = cluster.connect(name, user="keeper")
    yield database
    database.close()
    cluster.drop(name)
    cluster.execute("DROP ROLE keeper")


UNCOMMENTED = """
SELECT kind || ' ' || name FROM (
    SELECT 'relation' AS kind, c.oid::regclass::text AS name, obj_description(c.oid, 'pg_class') AS said
    FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')
    UNION ALL
    SELECT 'type', t.oid::regtype::text, obj_description(t.oid, 'pg_type')
    FROM pg_type AS t LEFT JOIN pg_class AS c ON c.oid = t.typrelid
    WHERE t.typnamespace = 'public'::regnamespace AND (t.typtype IN ('e', 'd') OR c.relkind = 'c')
    UNION ALL
    SELECT 'function', p.oid::regprocedure::text, obj_description(p.oid, 'pg_proc')
    FROM pg_proc AS p
    WHERE p.pronamespace = 'public'::regnamespace AND p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql')
) AS x WHERE said IS NULL
"""


def test_everything_is_described(still):
    assert still.column(UNCOMMENTED) == []
