"""A canonical catalog of the Janitor's schema, and the comparison of two.

Role: read schema `public` of a database into plain dictionaries that do not
depend on names the server made up by itself, on object ids or on the order of
creation. What belongs to an extension (pgcrypto) or to the debversion type is left
out, however it came in. Views and functions are listed by their interface only:
their behaviour is compared by answers.
"""

# Objects of an extension, and those of debversion when loaded as plain SQL.
_NOT_FOREIGN = """
  NOT EXISTS (SELECT 1 FROM pg_depend d
              WHERE d.classid = '{catalog}'::regclass AND d.objid = {oid} AND d.deptype = 'e')
"""


def _own(catalog, oid):
    return _NOT_FOREIGN.format(catalog=catalog, oid=oid)


_ENUMS = f"""
SELECT t.typname AS name, array_agg(e.enumlabel::text ORDER BY e.enumsortorder) AS labels
FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
WHERE t.typnamespace = 'public'::regnamespace AND {_own('pg_type', 't.oid')}
GROUP BY t.typname
"""

_DOMAINS = f"""
SELECT t.typname AS name, format_type(t.typbasetype, t.typtypmod) AS base, t.typnotnull AS notnull,
       t.typdefault AS default, c.conname AS check_name, pg_get_constraintdef(c.oid) AS check_def
FROM pg_type t LEFT JOIN pg_constraint c ON c.contypid = t.oid
WHERE t.typtype = 'd' AND t.typnamespace = 'public'::regnamespace AND {_own('pg_type', 't.oid')}
ORDER BY t.typname, c.conname
"""

_COLUMNS = f"""
SELECT r.relname AS relation, r.relkind::text AS kind, a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS notnull,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default,
       CASE WHEN a.attgenerated = 's' THEN pg_get_expr(d.adbin, d.adrelid) END AS generated,
       a.attidentity::text AS identity
FROM pg_class r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
WHERE r.relnamespace = 'public'::regnamespace AND r.relkind IN ('r', 'p', 'v', 'm', 'c', 'f')
  AND {_own('pg_class', 'r.oid')}
ORDER BY r.relname, a.attnum
"""

_CONSTRAINTS = """
SELECT r.relname AS relation, c.conname AS name, c.contype::text AS type,
       pg_get_constraintdef(c.oid) AS definition, c.convalidated AS validated
FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
WHERE r.relnamespace = 'public'::regnamespace AND c.contype <> 't'
ORDER BY r.relname, c.conname
"""

_INDEXES = """
SELECT r.relname AS relation, x.relname AS name, i.indisunique AS unique, m.amname AS method,
       (SELECT array_agg(pg_get_indexdef(i.indexrelid, n, true)
                         || CASE WHEN i.indoption[n - 1] & 1 = 1 THEN ' DESC' ELSE '' END
                         || CASE WHEN i.indoption[n - 1] & 2 = 2 THEN ' NULLS FIRST' ELSE '' END
                         ORDER BY n)
        FROM generate_series(1, i.indnatts) n) AS keys,
       pg_get_expr(i.indpred, i.indrelid) AS predicate,
       EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid
               AND c.contype IN ('p', 'u', 'x')) AS of_constraint
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class r ON r.oid = i.indrelid
JOIN pg_am m ON m.oid = x.relam
WHERE r.relnamespace = 'public'::regnamespace
ORDER BY r.relname, x.relname
"""

_TRIGGERS = """
SELECT r.relname AS relation, t.tgname AS name, p.proname AS function, t.tgenabled::text AS enabled,
       CASE WHEN t.tgtype & 2 = 2 THEN 'before' WHEN t.tgtype & 64 = 64 THEN 'instead' ELSE 'after' END AS timing,
       CASE WHEN t.tgtype & 1 = 1 THEN 'row' ELSE 'statement' END AS level,
       array_remove(ARRAY[CASE WHEN t.tgtype & 4 = 4 THEN 'insert' END,
                          CASE WHEN t.tgtype & 8 = 8 THEN 'delete' END,
                          CASE WHEN t.tgtype & 16 = 16 THEN 'update' END,
                          CASE WHEN t.tgtype & 32 = 32 THEN 'truncate' END], NULL) AS events,
       CASE WHEN t.tgqual IS NOT NULL THEN pg_get_triggerdef(t.oid) END AS condition,
       t.tgdeferrable AS deferrable
FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND r.relnamespace = 'public'::regnamespace
ORDER BY r.relname, t.tgname
"""

_FUNCTIONS = f"""
SELECT p.proname AS name, p.prokind::text AS kind, oidvectortypes(p.proargtypes) AS args,
       format_type(p.prorettype, NULL) AS returns, p.proretset AS set
FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND {_own('pg_proc', 'p.oid')}
  AND p.proname NOT LIKE 'debversion%'
  AND NOT (p.prorettype::regtype::text = 'debversion' OR oidvectortypes(p.proargtypes) LIKE '%debversion%')
ORDER BY p.proname, 3
"""

_SEQUENCES = """
SELECT c.relname AS name, format_type(s.seqtypid, NULL) AS type, s.seqstart AS start, s.seqincrement AS increment,
       s.seqmin AS min, s.seqmax AS max, s.seqcycle AS cycle, s.seqcache AS cache,
       (SELECT r.relname || '.' || a.attname FROM pg_depend d JOIN pg_class r ON r.oid = d.refobjid
        JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
        LIMIT 1) AS owned_by
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
WHERE c.relnamespace = 'public'::regnamespace
ORDER BY c.relname
"""


async def read(conn):
    """The catalog of the database behind `conn` as JSON-ready dictionaries."""
    out = {"enums": {}, "domains": {}, "composites": {}, "tables": {}, "views": {},
           "functions": [], "sequences": {}}
    for row in await conn.fetch(_ENUMS):
        out["enums"][row["name"]] = list(row["labels"])
    for row in await conn.fetch(_DOMAINS):
        entry = out["domains"].setdefault(
            row["name"], {"base": row["base"], "notnull": row["notnull"], "default": row["default"], "checks": []})
        if row["check_name"] is not None:
            entry["checks"].append({"name": row["check_name"], "definition": row["check_def"]})
    for row in await conn.fetch(_COLUMNS):
        _add_column(out, row)
    for row in await conn.fetch(_CONSTRAINTS):
        out["tables"][row["relation"]]["constraints"].append(
            {k: row[k] for k in ("name", "type", "definition", "validated")})
    for row in await conn.fetch(_INDEXES):
        out["tables"][row["relation"]]["indexes"].append(
            {k: (list(row[k]) if k == "keys" else row[k])
             for k in ("name", "unique", "method", "keys", "predicate", "of_constraint")})
    for row in await conn.fetch(_TRIGGERS):
        out["tables"][row["relation"]]["triggers"].append(
            {k: (list(row[k]) if k == "events" else row[k])
             for k in ("name", "timing", "events", "level", "condition", "function", "enabled", "deferrable")})
    out["functions"] = [dict(row) for row in await conn.fetch(_FUNCTIONS)]
    for row in await conn.fetch(_SEQUENCES):
        out["sequences"][row["name"]] = {k: v for k, v in dict(row).items() if k != "name"}
    return out


def _add_column(out, row):
    short = {"name": row["name"], "type": row["type"]}
    if row["kind"] == "c":
        out["composites"].setdefault(row["relation"], []).append(short)
    elif row["kind"] in ("v", "m"):
        out["views"].setdefault(row["relation"], []).append(short)
    else:
        table = out["tables"].setdefault(
            row["relation"], {"columns": [], "constraints": [], "indexes": [], "triggers": []})
        table["columns"].append({**short, "notnull": row["notnull"], "default": row["default"],
                                 "generated": row["generated"], "identity": row["identity"]})


def _index_key(index):
    return (index["unique"], index["method"], tuple(index["keys"]), index["predicate"])


def _compare_indexes(table, theirs, ours):
    """Upstream's set; of each duplicate pair one suffices, be it a constraint's."""
    said = []
    have = {_index_key(i)[1:] for i in ours}
    have_unique = {_index_key(i) for i in ours}
    wanted = {_index_key(i)[1:] for i in theirs}
    for index in theirs:
        key = _index_key(index)
        if key[1:] not in have if not index["unique"] else key not in have_unique:
            said.append(f"table {table}: no index on ({', '.join(index['keys'])}), upstream's {index['name']}")
    for index in ours:
        if _index_key(index)[1:] not in wanted:
            said.append(f"table {table}: index {index['name']} on ({', '.join(index['keys'])}) is not upstream's")
    # A violation reports the index's name, so names of bare unique indexes count.
    for index in (i for i in theirs if i["unique"] and not i["of_constraint"]):
        twins = {i["name"] for i in theirs if _index_key(i) == _index_key(index)}
        if not twins & {i["name"] for i in ours if _index_key(i) == _index_key(index)}:
            said.append(f"table {table}: unique index {sorted(twins)} has another name")
    return said


def _compare_parts(what, theirs, ours):
    """Two lists of named dictionaries whose order does not matter."""
    said = []
    mine = {p["name"]: p for p in ours}
    wanted = {p["name"]: p for p in theirs}
    for name in sorted(wanted.keys() - mine.keys()):
        said.append(f"{what} {name}: missing, upstream has {wanted[name]}")
    for name in sorted(mine.keys() - wanted.keys()):
        said.append(f"{what} {name}: not upstream's, we have {mine[name]}")
    for name in sorted(wanted.keys() & mine.keys()):
        for field in sorted(wanted[name].keys() | mine[name].keys()):
            if wanted[name].get(field) != mine[name].get(field):
                said.append(f"{what} {name}: {field} is {mine[name].get(field)!r}, "
                            f"upstream's is {wanted[name].get(field)!r}")
    return said


def _compare_table(name, theirs, ours):
    said = []
    order = [c["name"] for c in ours["columns"]]
    wanted = [c["name"] for c in theirs["columns"]]
    if order != wanted:
        said.append(f"table {name}: columns are {order}, upstream's are {wanted}")
    said += _compare_parts(f"column {name}", theirs["columns"], ours["columns"])
    said += _compare_parts(f"constraint on {name}", theirs["constraints"], ours["constraints"])
    said += _compare_indexes(name, theirs["indexes"], ours["indexes"])
    # The function behind a trigger is ours to name; what it does is compared by answers.
    plain = [{k: v for k, v in t.items() if k != "function"} for t in theirs["triggers"]]
    said += _compare_parts(f"trigger on {name}", plain,
                           [{k: v for k, v in t.items() if k != "function"} for t in ours["triggers"]])
    return said


def _compare_maps(what, theirs, ours):
    said = []
    for name in sorted(theirs.keys() | ours.keys()):
        if theirs.get(name) != ours.get(name):
            said.append(f"{what} {name}: is {ours.get(name)!r}, upstream's is {theirs.get(name)!r}")
    return said


def compare(theirs, ours):
    """Differences of our catalog from the original's, one line each; [] = equal.

    Trigger functions are left out (any name will do); the callable ones count.
    """
    said = []
    for kind in ("enums", "domains", "composites", "views", "sequences"):
        said += _compare_maps(kind[:-1], theirs[kind], ours[kind])
    for name in sorted(theirs["tables"].keys() | ours["tables"].keys()):
        if name not in ours["tables"]:
            said.append(f"table {name}: missing")
        elif name not in theirs["tables"]:
            said.append(f"table {name}: not upstream's")
        else:
            said += _compare_table(name, theirs["tables"][name], ours["tables"][name])
    said += _compare_maps("function", _callable(theirs), _callable(ours))
    return said


def _callable(catalog):
    return {f"{f['name']}({f['args']})": {"returns": f["returns"], "kind": f["kind"], "set": f["set"]}
            for f in catalog["functions"] if f["returns"] != "trigger"}
