"""The table of the server's functions that never answer NULL for arguments that are not NULL (tools/never_null.py makes
it from the server's source): each is called with edge values of its argument types, and must not.

Prints its seed; HOLDFAST_TEST_SEED repeats one, HOLDFAST_TEST_LONG calls each ten times as often.
"""

import os
import random
import re

import compiler
import probe

TABLE = compiler.TOP / "tools" / "gen" / "nullability_table.c"
# They change the server, wait, or want what a test has not.
LEFT_OUT = re.compile(r"binary_upgrade|pg_(terminate|cancel|sleep|reload|rotate|promote|switch|create_restore|backup|start|stop|"
                      r"wal_replay|replication|export|logical|drop|copy|import|file|read|ls|log|notify|stat_reset)|advisory|"
                      r"^lo_|shell|trigger|^brin_|^gin_|(cursor|table|schema|database|query)_to|setval|nextval|repeat|pad$")
TIMES = ["infinity", "-infinity", "2024-01-01 10:00"]
RANGES = ["empty", "[1,2)", "(,)", "[1,)", "(,1)"]
SHAPES = ["((0,0),(1,1))", "((0,0),(0,0))", "((5,5),(6,6))"]
EDGES = {
    "int2": ["0", "1", "-1", "32767", "-32768"], "int4": ["0", "1", "-1", "2147483647", "-2147483648", "16"],
    "int8": ["0", "1", "-1", "9223372036854775807", "-9223372036854775808"], "oid": ["0", "1", "1259", "2200", "4294967295"],
    "float4": ["0", "NaN", "Infinity", "-Infinity", "1.5", "-1"], "float8": ["0", "NaN", "Infinity", "-Infinity", "0.5", "-1"],
    "numeric": ["0", "NaN", "Infinity", "-Infinity", "1.5", "-1", "1e30"], "money": ["0", "-1"], "bool": ["t", "f"],
    "text": ["", "a", "1", "{}", "%", "(", "YYYY", "pg_class", "hour", "UTC", "UTF8", "hex", "select", '{"a":1}', "<a/>", "public"],
    "varchar": ["", "a"], "bpchar": ["", "a"], "name": ["", "a", "pg_class", "postgres", "UTF8"], "char": ["", "a", "r"],
    "date": ["infinity", "-infinity", "2024-01-01", "4713-01-01 BC"], "timestamp": TIMES, "timestamptz": TIMES,
    "time": ["00:00", "24:00"], "timetz": ["00:00+00", "24:00-08"], "interval": ["0", "1 day", "-1 mon", "100 years"],
    "bytea": ["", "\\xdeadbeef"], "uuid": ["00000000-0000-0000-0000-000000000000"],
    "json": ["null", "{}", "[]", "1", '"x"', '{"a":null}'], "jsonb": ["null", "{}", "[]", "1", "true", '{"a":null}', "[1,null]"],
    "jsonpath": ["$", "$.a", "$[*]", "strict $.a", "$ > 1"], "_int4": ["{}", "{1}", "{NULL}", "{{1,2},{3,4}}"],
    "_text": ["{}", "{a}", "{NULL}"], "_float4": ["{0.1,0.2,0.3,0.4}"], "_char": ["{}", "{a}"], "_name": ["{}", "{a}"],
    "_oid": ["{}", "{1}"], "_cstring": ["{1}", "{1,2}"], "_aclitem": ["{}", "{postgres=r/postgres}"],
    "aclitem": ["postgres=r/postgres"], "anyarray": ["{}", "{1}", "{NULL}", "{{1,2}}"], "anycompatiblearray": ["{}", "{1}"],
    "anyelement": ["1"], "anycompatible": ["1"], "anynonarray": ["1"], "anyrange": RANGES, "anyenum": ["a", "b"],
    "anymultirange": ["{}", "{[1,2)}", "{(,)}"], "point": ["(0,0)", "(NaN,1)", "(Infinity,0)", "(1,2)"], "box": SHAPES,
    "lseg": SHAPES, "line": ["{1,0,0}", "{0,1,0}"], "path": ["[(0,0)]", "((0,0))", "[(0,0),(1,1)]"],
    "polygon": ["((0,0))", "((0,0),(1,1),(2,0))"], "circle": ["<(0,0),0>", "<(5,5),NaN>"], "inet": ["0.0.0.0", "::1/64"],
    "cidr": ["10.0.0.0/8", "::/0"], "macaddr": ["08:00:2b:01:02:03"], "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "bit": ["1", "0"], "varbit": ["", "101"], "tsvector": ["", "a:1 b:2"], "tsquery": ["", "a", "a & b", "!a"],
    "xml": ["<a/>", ""], "xid": ["3", "0"], "xid8": ["3", "0"], "cid": ["0"], "tid": ["(0,0)"], "pg_lsn": ["0/0", "0/16B3748"],
    "regclass": ["pg_class", "0"], "regconfig": ["english"], "regproc": ["0"], "regtype": ["int4"], "cstring": ["a", "1"],
    "txid_snapshot": ["10:20:10,14"], "pg_snapshot": ["10:20:10,14"], "int2vector": ["", "1 2"], "oidvector": ["", "1 2"],
    "int4range": RANGES, "int8range": RANGES, "numrange": RANGES, "tsrange": ["empty", "(,)"], "tstzrange": ["empty", "(,)"],
    "daterange": ["empty", "(,)"],
}
STAND_INS = {"anyarray": "int4[]", "anycompatiblearray": "int4[]", "anyelement": "int4", "anycompatible": "int4",
             "anynonarray": "int4", "anyrange": "int4range", "anymultirange": "int4multirange", "anyenum": "public.edge"}


def functions():
    """(name, argument types) of those that can be called with edge values."""
    found = re.findall(r'"(\w+)\(([^)"]*)\)"', TABLE.read_text(encoding="utf-8"))
    split = [(name, [word for word in args.split(",") if word]) for name, args in found]
    return [(name, args) for name, args in split if not LEFT_OUT.search(name) and all(arg in EDGES for arg in args)]


def call(rng, name, args):
    values = []
    for arg in args:
        kind = STAND_INS.get(arg, f'pg_catalog."{arg}"')
        values.append("'" + rng.choice(EDGES[arg]).replace("'", "''") + f"'::{kind}")
    return f'SELECT pg_catalog."{name}"({", ".join(values)}) AS c'


def test_no_function_of_the_table_answers_null(empty):
    seed = int(os.environ.get("HOLDFAST_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
    print(f"HOLDFAST_TEST_SEED={seed}")
    rng = random.Random(seed)
    empty.execute(probe.HELPERS + "CREATE TYPE edge AS ENUM ('a', 'b'); SET statement_timeout = '20s'")
    times = 60 if os.environ.get("HOLDFAST_TEST_LONG") else 6
    calls = [call(rng, name, args) for name, args in functions() for _ in range(times if args else 1)]
    outcomes = probe.run(empty, calls)
    answered = sum(outcome.failure is None for outcome in outcomes)
    print(f"{len(functions())} functions, {len(calls)} calls, {answered} answered")
    wrong = [text for text, outcome in zip(calls, outcomes) if outcome.nulls]
    assert not wrong, "\n".join(wrong)
    assert len(functions()) > 1500 and answered > len(calls) // 2, "too little was called"
