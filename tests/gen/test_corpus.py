"""The truth corpus: its index is complete, its labels are proven by running the queries, and the compiler agrees."""

import random

import pytest

import claims
import corpus
import probe
import random_data

QUERIES_AT_LEAST = 250
EACH_AT_LEAST = 5
PESSIMISTIC_AT_MOST = 0.01
PESSIMISTIC_BY_FALLBACK_AT_MOST = 0.01
RANDOM_SETS = 24
# What the corpus has to hold at least EACH_AT_LEAST times.
CONSTRUCTS = {
    "aggregate", "any_all", "arrays", "case", "check", "coalesce", "composite", "cte", "distinct", "domain", "enum",
    "expression", "fallback", "foreign", "functions", "generated", "grouping_sets", "having", "inheritance", "join",
    "json", "lateral", "matview", "notice", "operators", "outer_join", "overrides", "params", "partitions",
    "recursive", "reduction", "returning", "scalar_subquery", "set_operation", "set_returning", "strict", "subquery",
    "system", "tables", "trigger", "using", "values", "view", "where", "window",
}


@pytest.fixture
def database(empty):
    probe.install(empty)
    return empty


def test_the_index_names_every_query_and_every_construct_often_enough():
    found = corpus.queries()
    names = [query.name for query in found]
    assert len(names) >= QUERIES_AT_LEAST and len(set(names)) == len(names)
    held = [construct for query in found for construct in query.constructs]
    assert set(held) == CONSTRUCTS
    rare = {construct: held.count(construct) for construct in CONSTRUCTS if held.count(construct) < EACH_AT_LEAST}
    assert not rare, rare
    assert (corpus.FOLDER / "INDEX.md").read_text(encoding="utf-8") == corpus.index(found), "renew it: tests/gen/corpus.py"


def executed(database, found):
    """Per query the columns that were NULL on some set of data, and whether there ever was a row."""
    runs = [(query, text) for query in found for text in query.executable()]
    nulls = {query.name: set() for query in found}
    rows = dict.fromkeys(nulls, False)
    made, rng = random_data.Data(database), random.Random(7)
    sets = [(statements, False) for statements in corpus.data().values()]
    for statements, tolerant in sets + [(made.rows(rng), True) for _ in range(RANDOM_SETS)]:
        with probe.loaded(database, statements, tolerant):
            outcomes = probe.run(database, [text for _, text in runs], [query.before for query, _ in runs])
        for (query, _), outcome in zip(runs, outcomes):
            nulls[query.name] |= outcome.nulls
            rows[query.name] |= outcome.rows
    return nulls, rows


def test_every_label_is_proven_by_running_the_query(database):
    found = corpus.queries()
    nulls, rows = executed(database, found)
    wrong = [f"{query.name}: no set of data gives a row" for query in found if not rows[query.name]]
    for query in found:
        for column, label in enumerate(query.labels):
            seen = column in nulls[query.name]
            if (label == "?") != seen:
                wrong.append(f"{query.name}: column {column + 1} is labelled {label}, NULL was {'seen' if seen else 'never seen'}")
    assert not wrong, "\n".join(wrong)


def judged(found, described):
    """The columns that were claimed NOT NULL against their label, and those claimed nullable against it, as text."""
    unsound, pessimistic = [], []
    for query, claim in zip(found, described):
        assert (claim.name, len(claim.columns)) == (query.name, len(query.labels))
        for column, (label, (sure, rule)) in enumerate(zip(query.labels, claim.columns)):
            if sure != (label == "!"):
                line = f"{query.name} column {column + 1}: label {label}, rule {rule}\n    {query.sql}"
                (unsound if sure else pessimistic).append(line)
    return unsound, pessimistic


def described_corpus(database, cluster, **environment):
    url = f"host={cluster.server.dir} user={cluster.server.user} dbname={database.name}"
    return claims.of_files(url, sorted((corpus.FOLDER / "queries").glob("*.sql")), **environment)


def test_the_compiler_is_never_unsound_and_rarely_pessimistic(database, cluster):
    found = corpus.queries()
    described = described_corpus(database, cluster)
    unsound, pessimistic = judged(found, described)
    columns = sum(len(query.labels) for query in found)
    share = len(pessimistic) / columns
    print(f"{len(found)} queries, {columns} columns: {len(unsound)} unsound, {len(pessimistic)} pessimistic ({share:.2%})")
    assert not unsound, "\n".join(unsound)
    print("\n".join(pessimistic))
    assert share <= PESSIMISTIC_AT_MOST, f"{share:.2%} of the columns are claimed nullable without need"


def test_claims_hold_when_parameters_that_may_be_null_are(database, cluster):
    runs = [(query, claim, text) for query, claim in zip(corpus.queries(), described_corpus(database, cluster))
            for text in query.executable(claim.nullable_params) if claim.nullable_params]
    assert len(runs) > 5
    for statements in corpus.data().values():
        with probe.loaded(database, statements):
            outcomes = probe.run(database, [text for _, _, text in runs], [query.before for query, _, _ in runs])
        wrong = [text for (_, claim, text), outcome in zip(runs, outcomes) if outcome.nulls & claim.sure]
        assert not wrong, "\n".join(wrong)


def test_the_tree_of_a_function_proves_nothing_that_the_notice_does_not(database, cluster):
    found, by_notice = corpus.queries(), described_corpus(database, cluster)
    by_function = described_corpus(database, cluster, HOLDFAST_GEN_TREE="function")
    unsound, pessimistic = judged(found, by_function)
    columns = sum(len(query.labels) for query in found)
    print(f"by function: {len(unsound)} unsound, {len(pessimistic)} pessimistic ({len(pessimistic) / columns:.2%})")
    assert not unsound, "\n".join(unsound)
    more = [one.name for one, other in zip(by_function, by_notice) if one.sure - other.sure]
    assert not more and len(pessimistic) <= columns * PESSIMISTIC_BY_FALLBACK_AT_MOST, (more, pessimistic)
    assert any(one.sure != other.sure for one, other in zip(by_function, by_notice)), "the switch switches nothing"
