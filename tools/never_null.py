#!/usr/bin/python3
"""Derive which functions of the server never answer NULL when no argument is NULL.

    tools/never_null.py SOURCE-TREE > tools/gen/nullability_table.c

SOURCE-TREE is PostgreSQL's own source (apt-get source postgresql-15). Its catalog data (pg_proc.dat) says which strict
function is which C function; the body of that C function is searched for what makes a result NULL: PG_RETURN_NULL, a
macro around it, or an assignment to fcinfo->isnull, also in the helpers that the call frame is handed to. Whatever is
not found, is made by a macro, or does with the frame what is not on the list of harmless things, is left out: the
table errs towards "may be NULL". Only names and argument types go into the table.

tests/gen/test_never_null.py runs the functions of the table on many values and fails when a NULL comes back.
"""

import pathlib
import re
import sys

# Bodies that were read: what looks like a NULL is none, or the function is written in SQL over safe ones.
REVIEWED = {
    # SQL functions that only call strict ones of this table
    "lpad(text,int4)", "rpad(text,int4)", "age(timestamp)", "age(timestamptz)", "log(numeric)", "round(numeric)",
    "trunc(numeric)", "bit_length(bytea)", "bit_length(text)", "bit_length(bit)", "interval_pl_date(interval,date)",
    "interval_pl_time(interval,time)", "interval_pl_timestamp(interval,timestamp)",
    "interval_pl_timestamptz(interval,timestamptz)", "interval_pl_timetz(interval,timetz)",
    "integer_pl_date(int4,date)", "int8pl_inet(int8,inet)", "date_part(text,time)", "timedate_pl(time,date)",
    "timetzdate_pl(timetz,date)", "pg_sleep_for(interval)", "pg_sleep_until(timestamptz)", "log10(numeric)",
    "textanycat(text,anynonarray)", "anytextcat(anynonarray,text)", "quote_literal(anyelement)",
    "numeric_pl_pg_lsn(numeric,pg_lsn)", "polygon(circle)", "path_contain_pt(path,point)", "timestamptz(date,time)",
    "xpath(text,xml)", "xpath_exists(text,xml)",
    # made by macros, or with a helper that reads the call frame only
    *(f"tsvector_{op}(tsvector,tsvector)" for op in ("lt", "le", "eq", "ne", "ge", "gt", "cmp")),
    *(f"tsquery_{op}(tsquery,tsquery)" for op in ("lt", "le", "eq", "ne", "ge", "gt", "cmp")),
    *(f"enum_{op}(anyenum,anyenum)" for op in ("lt", "le", "ge", "gt", "cmp", "smaller", "larger")),
    # another C function of the tree has its name
    "repeat(text,int4)",
}

# What may be done with the call frame without making the result NULL.
HARMLESS = re.compile(
    r"fcinfo\s*->\s*(flinfo|nargs|args|fncollation|context|resultinfo)\b"
    r"|\b(get_fn_expr_\w+|AggCheckCallContext|AggGetAggref|PG_GET_COLLATION|CALLED_AS_TRIGGER|get_call_result_type)"
    r"\s*\(\s*fcinfo\b")


def without_comments(text):
    """Comments gone, strings emptied."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'', re.S)
    return pattern.sub(lambda m: " " if m[0].startswith("/") else ('""' if m[0][0] == '"' else "' '"), text)


def closing(text, start, pair="{}"):
    """Index behind the bracket that closes the one at `start`."""
    depth = 0
    for i in range(start, len(text)):
        if text[i] == pair[0]:
            depth += 1
        elif text[i] == pair[1]:
            depth -= 1
            if depth == 0:
                return i + 1
    return len(text)


def without_unreachable(body):
    """PG_RETURN_NULL right behind an error that is always raised only calms compilers."""
    out, at = "", 0
    for match in re.finditer(r"\b(?:ereport|elog)\s*\(\s*ERROR\b", body):
        if match.start() < at:
            continue
        end = closing(body, body.index("(", match.start()), "()")
        tail = re.match(r"\s*;\s*PG_RETURN_NULL\s*\(\s*\)\s*;", body[end:])
        if tail:
            out += body[at:end] + ";"
            at = end + tail.end()
    return out + body[at:]


class Source:
    """C functions of the tree, by name: [(file, parameters, body)]."""

    def __init__(self, tree):
        self.functions = {}
        self.null_macros = set()
        self.verdicts = {}
        for path in sorted((tree / "src").rglob("*.[ch]")):
            if "test" not in path.relative_to(tree).parts:
                self._read(path)

    def _read(self, path):
        text = without_comments(path.read_text(encoding="latin-1"))
        for define in re.finditer(r"^#\s*define\s+(\w+)((?:[^\n]*\\\n)*[^\n]*)", text, re.M):
            if re.search(r"PG_RETURN_NULL|\bisnull\s*=\s*true", define[2]) and define[1] != "PG_RETURN_NULL":
                self.null_macros.add(define[1])
        code = re.sub(r"^#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
        for match in re.finditer(r"^(\w+)\s*\(([^;{}]*)\)\s*\{", code, re.M):
            end = closing(code, match.end() - 1)
            self.functions.setdefault(match[1], []).append((path, match[2], code[match.end():end]))

    def never_null(self, name, path=None):
        """The C function never makes its result NULL."""
        found = self.functions.get(name, [])
        if path is not None and any(f[0] == path for f in found):
            found = [f for f in found if f[0] == path]
        if len(found) != 1:
            return False
        key = (found[0][0], name)
        if key not in self.verdicts:
            self.verdicts[key] = False  # recursion proves nothing
            self.verdicts[key] = self._judge(*found[0])
        return self.verdicts[key]

    def _judge(self, path, parameters, body):
        if not re.search(r"PG_FUNCTION_ARGS|FunctionCallInfo\s+fcinfo", parameters):
            return False
        body = without_unreachable(body)
        if re.search(r"PG_RETURN_NULL|\bfcinfo\s*->\s*isnull|SRF_\w+", body):
            return False
        if any(re.search(rf"\b{macro}\b", body) for macro in self.null_macros):
            return False
        rest = HARMLESS.sub(" ", body)
        for call in re.finditer(r"\b(\w+)\s*\(\s*fcinfo\b", rest):
            if not self.never_null(call[1], path):
                return False
        return not re.search(r"\bfcinfo\b", re.sub(r"\b\w+\s*\(\s*fcinfo\b", " ", rest))


def entries(path):
    """The records of a catalog data file."""
    text = re.sub(r"^\s*#.*$", "", path.read_text(encoding="utf-8"), flags=re.M)
    for record in re.finditer(r"\{((?:[^{}']|'(?:\\.|[^'\\])*')*)\}", text):
        yield dict(re.findall(r"(\w+)\s*=>\s*'((?:\\.|[^'\\])*)'", record[1]))


def usable(entry):
    """An ordinary function that a query can call."""
    hidden = {"internal", "cstring", "trigger", "event_trigger", "language_handler", "fdw_handler", "index_am_handler",
              "table_am_handler", "tsm_handler"}
    types = entry.get("proargtypes", "").split()
    return (entry.get("prokind", "f") == "f" and entry.get("proretset", "f") == "f"
            and not hidden & {*types, entry["prorettype"]}
            and (entry.get("proisstrict", "t") == "t" or not types))


def signature(entry):
    return f"{entry['proname']}({','.join(entry.get('proargtypes', '').split())})"


def table(tree):
    """(signatures that are safe, number of candidates)"""
    source = Source(tree)
    safe, candidates = set(), 0
    for entry in entries(tree / "src/include/catalog/pg_proc.dat"):
        if not usable(entry):
            continue
        candidates += 1
        name = signature(entry)
        internal = entry.get("prolang", "internal") == "internal"
        if name in REVIEWED or (internal and source.never_null(entry["prosrc"])):
            safe.add(name)
    unknown = REVIEWED - safe
    if unknown:
        sys.exit(f"never_null.py: reviewed, but no such function: {sorted(unknown)}")
    return sorted(safe), candidates


def main():
    if len(sys.argv) != 2 or not (pathlib.Path(sys.argv[1]) / "src/include/catalog/pg_proc.dat").is_file():
        sys.exit("usage: tools/never_null.py SOURCE-TREE > tools/gen/nullability_table.c")
    safe, candidates = table(pathlib.Path(sys.argv[1]))
    print(f"""/*
 * nullability_table.c - {len(safe)} of the server's {candidates} strict functions never answer NULL when no argument is
 * NULL. Generated by tools/never_null.py: do not edit.
 */
#include "gen/nullability_table.h"

#include "base/macros.h"

/* clang-format off */
const char *const never_null_functions[] = {{""")
    line = ""
    for name in safe:
        piece = f'"{name}", '
        if len(line) + len(piece) > 108:
            print("\t" + line.rstrip())
            line = ""
        line += piece
    print("\t" + line.rstrip())
    print("};\n/* clang-format on */\nconst size_t never_null_count = ARRAY_LEN(never_null_functions);")


if __name__ == "__main__":
    main()
