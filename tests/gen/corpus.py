"""The truth corpus: queries of which it is known, column by column, whether a NULL can come out.

corpus/queries/*.sql, each query with comments of its own:

    -- labels !?? / outer_join where     per column: ! no state of the schema gives NULL, ? some does; then its constructs
    -- given p = 1; q = NULL             values of its parameters as SQL; several lines: each is tried
    -- before INSERT ...                 statements that make the state that shows a NULL, where the data sets do not

corpus/data/*.sql are the sets of data. corpus/INDEX.md lists the queries by construct; this file as a program renews it.
"""

import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent / "corpus"


class Query:
    """One query: name, text with its annotations, labels, constructs, and what to run it with."""

    def __init__(self, text, path):
        self.text, self.path = text, path
        self.name = re.match(r"-- name: (\w+)", text)[1]
        labels = re.search(r"(?m)^-- labels ([!?]+) / ([a-z_ ]+)$", text)
        assert labels, f"{path.name}: {self.name} has no labels"
        self.labels, self.constructs = labels[1], labels[2].split()
        self.before = "; ".join(re.findall(r"(?m)^-- before (.*)$", text))
        self.given = [dict(pair.split(" = ", 1) for pair in line.split("; "))
                      for line in re.findall(r"(?m)^-- given (.*)$", text)]
        self.sql = re.sub(r"(?m)^--.*\n", "", text).strip().rstrip(";")

    def executable(self, nulls=()):
        """The statement with each set of values in place of its parameters; those in `nulls` are NULL."""
        return [re.sub(r"(?<!:):([a-z]\w*)", lambda m: "NULL" if m[1] in nulls else values[m[1]], self.sql)
                for values in self.given or [{}]]


def queries():
    """All queries, in order of files and lines."""
    found = []
    for path in sorted((FOLDER / "queries").glob("*.sql")):
        parts = re.split(r"(?m)^(?=-- name: )", path.read_text(encoding="utf-8"))
        found += [Query(part.rstrip() + "\n", path) for part in parts[1:]]
    return found


def data():
    """Name -> statements of each set of data; "empty" has none."""
    sets = {"empty": []}
    for path in sorted((FOLDER / "data").glob("*.sql")):
        sets[path.stem] = [path.read_text(encoding="utf-8")]
    return sets


def index(found):
    """INDEX.md: construct -> queries."""
    named = {}
    for query in found:
        for construct in query.constructs:
            named.setdefault(construct, []).append(query.name)
    lines = ["# Constructs of the truth corpus", "",
             "Made by `/usr/bin/python3 tests/gen/corpus.py` from the labels; a test compares it. All queries are described",
             "both from the notice and from the function that stands in for it; `notice` and `fallback` are those where it",
             "matters that views and rules are expanded, or not yet.", ""]
    for construct in sorted(named):
        lines += [f"## {construct} ({len(named[construct])})", "", ", ".join(named[construct]), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    (FOLDER / "INDEX.md").write_text(index(queries()), encoding="utf-8")
