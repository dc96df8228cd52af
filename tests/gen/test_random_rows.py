"""The proof of one row: a statement under :one that is not warned of (many-rows) must never give two rows.

Random statements (random_keys.py) run on small random data. HOLDFAST_TEST_SEED repeats a run; HOLDFAST_TEST_QUERIES sets
the number of statements; HOLDFAST_TEST_LONG makes it 20,000.
"""

import collections
import random

import pytest

import claims
import probe
import random_data
import random_keys
import shrink
from test_random_queries import count, seed

BATCH = 1000
RANDOM_SETS = 6


@pytest.fixture
def database(empty):
    probe.install(empty)
    empty.execute(random_keys.KEYS)
    return empty


class Fuzz:
    """One run: makes statements, asks for proofs, executes, counts, and keeps what was wrong."""

    def __init__(self, database, url, tmp_path, rng):
        self.database, self.url, self.tmp_path, self.rng = database, url, tmp_path, rng
        self.generator = random_keys.KeyedGenerator(rng, database)
        self.data = random_data.Data(database)
        self.counts = collections.Counter()
        self.violations = []

    def proven(self, statements):
        return claims.of_one_row(self.tmp_path, self.url, statements)

    def batch(self, size):
        made = [self.generator.statement() for _ in range(size)]
        statements = [text for text, refusal in zip(made, probe.refusals(self.database, made)) if refusal is None]
        proven = self.proven(statements)
        most = [0] * len(statements)
        for _ in range(RANDOM_SETS):
            rows = self.data.rows(self.rng, most=6)
            with probe.loaded(self.database, rows, tolerant=True):
                for i, outcome in enumerate(probe.run(self.database, statements)):
                    if i in proven and outcome.count > 1 and most[i] < 2:
                        self.violations.append((statements[i], rows))
                    most[i] = max(most[i], outcome.count)
        single = [i for i, rows in enumerate(most) if rows == 1]
        self.counts.update(queries=len(statements), proven=len(proven), with_row=sum(most[i] > 0 for i in proven),
                           several=sum(rows > 1 for rows in most), never_two_unproven=len(set(single) - proven))

    def explain(self, violation):
        """A violation as text, made small."""
        text, rows = violation

        def wrong(candidates):
            valid = [i for i, one in enumerate(probe.refusals(self.database, candidates)) if one is None]
            texts = [candidates[i] for i in valid]
            proven = self.proven(texts)
            with probe.loaded(self.database, rows, tolerant=True):
                outcomes = probe.run(self.database, texts)
            return next((i for at, (i, outcome) in enumerate(zip(valid, outcomes)) if at in proven and outcome.count > 1), None)

        return f"query: {text}\nsmaller: {shrink.shrink(text, wrong)}\ndata:\n" + ";\n".join(rows) + ";"


def test_one_row_is_never_two(database, cluster, tmp_path):
    rng = random.Random(seed())
    fuzz = Fuzz(database, f"host={cluster.server.dir} user={cluster.server.user} dbname={database.name}", tmp_path, rng)
    wanted = count()
    while fuzz.counts["queries"] < wanted:
        fuzz.batch(min(BATCH, wanted - fuzz.counts["queries"] + 20))
    print(dict(fuzz.counts), f"{len(fuzz.violations)} violations")
    assert not fuzz.violations, "\n\n".join(map(fuzz.explain, fuzz.violations[:5]))
    assert fuzz.counts["proven"] > wanted // 20 and fuzz.counts["several"] > wanted // 20, "this would test next to nothing"
