"""Small random rows for whatever tables a schema has, from its catalog: values from tiny domains, so that joins meet."""

# Tables in the order in which they were made; per column its base type, whether it may be left NULL, its enum's labels.
COLUMNS = """
SELECT c.oid::regclass::text AS relation, quote_ident(a.attname) AS name,
       coalesce(CASE WHEN t.typcategory = 'A' THEN t.typelem END, (SELECT nullif(d.typbasetype, 0) FROM pg_type AS d WHERE d.oid = t.typbasetype),
                nullif(t.typbasetype, 0), t.oid)::regtype::text,
       t.typcategory = 'A', format_type(a.atttypid, a.atttypmod), NOT a.attnotnull AND NOT t.typnotnull,
       ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder),
       (SELECT count(*)::int FROM pg_attribute AS f WHERE t.typtype = 'c' AND f.attrelid = t.typrelid AND f.attnum > 0)
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid JOIN pg_type AS t ON t.oid = a.atttypid
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attgenerated = '' AND a.attidentity <> 'a'
  AND NOT (c.relispartition)
ORDER BY c.oid, a.attnum
"""

SCALARS = {
    "integer": lambda rng: str(rng.choice([0, 1, 1, 2, 2, 3, -1])),
    "bigint": lambda rng: str(rng.choice([0, 1, 2, 3])),
    "numeric": lambda rng: rng.choice(["0", "1", "2.5", "'NaN'"]),
    "text": lambda rng: rng.choice(["''", "'a'", "'b'", "'ab'", "'x'"]),
    "boolean": lambda rng: rng.choice(["true", "false"]),
    "int4range": lambda rng: rng.choice(["'empty'", "'[1,)'", "'[1,3)'"]),
    "point": lambda rng: rng.choice(["'(0,0)'", "'(1,2)'"]),
    "xml": lambda rng: "'<a/>'",
    "date": lambda rng: rng.choice(["'2024-01-01'", "'2025-06-30'", "'infinity'"]),
    "timestamp with time zone": lambda rng: rng.choice(["'2024-01-01'", "'infinity'", "now()"]),
    "jsonb": lambda rng: rng.choice(["'{}'", "'null'", "'{\"a\": null}'", "'{\"a\": 1, \"b\": \"x\"}'", "'[1, null]'"]),
}


class Data:
    """Makes sets of rows for the tables of one database."""

    def __init__(self, database):
        self.tables = {}
        for relation, *column in database.rows(COLUMNS):
            self.tables.setdefault(relation, []).append(column)

    def _one(self, rng, base, labels, fields):
        if labels:
            return f"'{rng.choice(labels)}'"
        if fields:
            return "ROW (" + ", ".join(rng.choice(["NULL", "'1'", "'2'"]) for _ in range(fields)) + ")"
        return SCALARS[base](rng)

    def _value(self, rng, column, nulls):
        _, base, is_array, kind, nullable, labels, fields = column
        if nullable and rng.random() < nulls:
            return "NULL"
        if is_array:
            items = [("NULL" if rng.random() < nulls else self._one(rng, base, labels, fields))
                     for _ in range(rng.randrange(3))]
            return f"ARRAY[{', '.join(items)}]::{kind}"
        return f"{self._one(rng, base, labels, fields)}::{kind}"

    def rows(self, rng, most=4):
        """INSERT statements; some break a constraint and are meant to be left out. A third of the tables stay empty."""
        nulls = rng.choice([0.1, 0.4, 0.9])
        statements = []
        for relation, columns in self.tables.items():
            names = ", ".join(column[0] for column in columns)
            for i in range(rng.choice([0, rng.randrange(1, most + 1), rng.randrange(1, most + 1)])):
                values = ", ".join(str(i) if column[0] == "id" else self._value(rng, column, nulls) for column in columns)
                statements.append(f"INSERT INTO {relation} ({names}) VALUES ({values})")
        return statements
