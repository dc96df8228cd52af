"""Nullability: a column that the compiler calls NOT NULL must never be NULL, whatever the query and the data.

Random statements (random_queries.py), each described by the compiler and run on empty, hostile and random small data.
HOLDFAST_TEST_SEED repeats a run; HOLDFAST_TEST_QUERIES sets the number of statements; HOLDFAST_TEST_LONG makes it 20,000.
"""

import collections
import os
import random

import pytest

import claims
import corpus
import probe
import random_data
import random_queries
import shrink

BATCH = 1000
RANDOM_SETS = 8


def seed():
    value = int(os.environ.get("HOLDFAST_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
    print(f"HOLDFAST_TEST_SEED={value}")
    return value


def count():
    return int(os.environ.get("HOLDFAST_TEST_QUERIES", "0")) or (20000 if os.environ.get("HOLDFAST_TEST_LONG") else 1000)


@pytest.fixture
def database(empty):
    probe.install(empty)
    return empty


class Fuzz:
    """One run: makes, describes and executes statements, counts, and keeps what was wrong."""

    def __init__(self, database, url, tmp_path, rng):
        self.database, self.url, self.tmp_path, self.rng = database, url, tmp_path, rng
        self.generator = random_queries.Generator(rng, database)
        self.data = random_data.Data(database)
        self.counts = collections.Counter()
        self.violations, self.never_null = [], []

    def describe(self, statements, tolerant=False):
        """A claim per statement."""
        return claims.of_statements(self.tmp_path, self.url, statements, tolerant)

    def sets(self):
        """Statements that fill the tables, and whether they may fail one by one."""
        yield [], False
        yield corpus.data()["hostile"], False
        for _ in range(RANDOM_SETS):
            yield self.data.rows(self.rng), True

    def batch(self, size):
        made = [self.generator.statement() for _ in range(size)]
        statements = [text for text, refusal in zip(made, probe.refusals(self.database, made)) if refusal is None]
        described = self.describe(statements)
        nulls, ran = [set() for _ in statements], [False] * len(statements)
        for rows, tolerant in self.sets():
            with probe.loaded(self.database, rows, tolerant):
                for i, outcome in enumerate(probe.run(self.database, statements)):
                    ran[i] |= outcome.rows
                    if outcome.nulls & described[i].sure - nulls[i]:
                        self.violations.append((statements[i], described[i], sorted(outcome.nulls & described[i].sure), rows, tolerant))
                    nulls[i] |= outcome.nulls
        self.count_up(made, statements, described, nulls, ran)

    def count_up(self, made, statements, described, nulls, ran):
        self.counts["refused"] += len(made) - len(statements)
        for text, claim, seen, rows in zip(statements, described, nulls, ran):
            self.counts.update(queries=1, columns=len(claim.columns), claims=len(claim.sure), with_rows=rows)
            if rows:
                may = set(range(len(claim.columns))) - claim.sure
                self.counts.update(nullable=len(may), never_null=len(may - seen))
                self.never_null += [(text, column) for column in may - seen]

    def explain(self, violation):
        """A violation as text, made small."""
        text, claim, columns, rows, tolerant = violation

        def wrong(candidates):
            valid = [i for i, one in enumerate(probe.refusals(self.database, candidates)) if one is None]
            texts = [candidates[i] for i in valid]
            described = self.describe(texts, tolerant=True)
            with probe.loaded(self.database, rows, tolerant):
                outcomes = probe.run(self.database, texts)
            return next((i for i, claim, outcome in zip(valid, described, outcomes) if claim and outcome.nulls & claim.sure), None)

        small = shrink.shrink(text, wrong)
        rules = [claim.columns[column] for column in columns]
        return f"columns {columns} claimed {rules}\nquery: {text}\nsmaller: {small}\ndata:\n" + ";\n".join(rows) + ";"


def test_random_statements_are_never_wrong(database, cluster, tmp_path):
    rng = random.Random(seed())
    url = f"host={cluster.server.dir} user={cluster.server.user} dbname={database.name}"
    fuzz = Fuzz(database, url, tmp_path, rng)
    wanted = count()
    while fuzz.counts["queries"] < wanted:
        fuzz.batch(min(BATCH, wanted - fuzz.counts["queries"] + 20))
    print(dict(fuzz.counts), f"{len(fuzz.violations)} violations")
    assert not fuzz.violations, "\n\n".join(map(fuzz.explain, fuzz.violations[:5]))
    assert fuzz.counts["refused"] < wanted // 20, "the generator makes too much that the server refuses"
    assert fuzz.counts["claims"] > fuzz.counts["columns"] // 5, "too few claims: this would test next to nothing"
    assert fuzz.counts["with_rows"] > wanted // 2, "too few queries gave rows"
