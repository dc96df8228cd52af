"""Running many queries on many small sets of data, and seeing which columns came out NULL.

All happens on the server: one call runs a batch, each query in a subtransaction that is rolled back, and answers the
distinct patterns of NULLs of its rows. So 20,000 queries on 8 sets of data take minutes, and no query sees the other's
changes. What a set of data puts into the tables is rolled back as well.
"""

import contextlib
import pathlib

SCHEMA = pathlib.Path(__file__).resolve().parent / "corpus" / "schema.sql"

# A row as text, "(1,,\"a b\")", with each value replaced by x: what is empty between commas is NULL.
HELPERS = r"""
CREATE SCHEMA probe;
CREATE FUNCTION probe.run(queries text[], setups text[], OUT n int, OUT patterns text[], OUT counted int, OUT failure text)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE r record; p text;
BEGIN
	FOR i IN 1..cardinality(queries) LOOP
		n := i; patterns := '{}'; counted := 0; failure := NULL;
		BEGIN
			IF setups[i] <> '' THEN EXECUTE setups[i]; END IF;
			FOR r IN EXECUTE queries[i] LOOP
				counted := counted + 1;
				p := regexp_replace(r::text, '"([^"]|"")*"|[^,()"]+', 'x', 'g');
				IF p <> ALL (patterns) THEN patterns := patterns || p; END IF;
			END LOOP;
			RAISE EXCEPTION USING ERRCODE = 'HFUND';
		EXCEPTION WHEN SQLSTATE 'HFUND' THEN NULL;
		WHEN OTHERS THEN failure := SQLSTATE || ' ' || SQLERRM;
		END;
		RETURN NEXT;
	END LOOP;
END $$;
CREATE FUNCTION probe.load(statements text[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE done int := 0; s text;
BEGIN
	FOREACH s IN ARRAY statements LOOP
		BEGIN
			EXECUTE s;
			done := done + 1;
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
	END LOOP;
	RETURN done;
END $$;
CREATE FUNCTION probe.prepare(queries text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..cardinality(queries) LOOP
		BEGIN
			EXECUTE 'PREPARE probed AS ' || queries[i];
			DEALLOCATE probed;
			RETURN NEXT NULL;
		EXCEPTION WHEN OTHERS THEN RETURN NEXT SQLSTATE || ' ' || SQLERRM;
		END;
	END LOOP;
END $$;
CREATE FUNCTION probe.refresh() RETURNS void LANGUAGE plpgsql AS $$
DECLARE v regclass;
BEGIN
	FOR v IN SELECT oid FROM pg_class WHERE relkind = 'm' ORDER BY oid LOOP
		EXECUTE format('REFRESH MATERIALIZED VIEW %s', v);
	END LOOP;
END $$;
"""


def install(database):
    """The schema of the corpus and the helpers, in an empty database."""
    database.execute(SCHEMA.read_text(encoding="utf-8"))
    database.execute(HELPERS)


class Outcome:
    """What one query gave on one set of data: the columns (from 0) that were NULL in some row, its rows, the error."""

    def __init__(self, patterns, counted, failure):
        self.nulls = {i for pattern in patterns for i, value in enumerate(pattern[1:-1].split(",")) if value == ""}
        self.count = counted
        self.rows = counted > 0
        self.failure = failure


@contextlib.contextmanager
def loaded(database, statements, tolerant=False):
    """The tables filled by `statements`, for as long as the block lasts; tolerant: those that fail are left out."""
    database.execute("BEGIN")
    try:
        if tolerant:
            database.execute("SELECT probe.load($1)", statements)
        else:
            for statement in statements:
                database.execute(statement)
        database.execute("SELECT probe.refresh()")
        yield
    finally:
        database.execute("ROLLBACK")


def run(database, queries, setups=None, batch=500):
    """The outcome of each query on the data as they are; `setups[i]` runs before query i and is undone with it."""
    outcomes = []
    setups = setups or [""] * len(queries)
    for at in range(0, len(queries), batch):
        rows = database.rows("SELECT patterns, counted, failure FROM probe.run($1, $2) ORDER BY n",
                             queries[at : at + batch], setups[at : at + batch])
        outcomes += [Outcome(*row) for row in rows]
    return outcomes


def refusals(database, queries):
    """Per query the server's reason to refuse it, or None."""
    return database.column("SELECT probe.prepare($1)", queries)
