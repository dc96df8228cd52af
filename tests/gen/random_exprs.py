"""Random expressions of a wanted type over the columns that are in sight.

Types are letters: i int, t text, b boolean, l int[], j jsonb, c the composite address, m the enum mood. Every expression
stands in parentheses or is a single word, so that any may stand anywhere. Division by zero and the like may happen: a
query that fails gives no row and so tells no lie.
"""

CASTS = {"i": "int", "t": "text", "b": "boolean", "l": "int[]", "j": "jsonb", "c": "address", "m": "mood"}
CONSTANTS = {
    "i": ["0", "1", "2", "3", "7"], "t": ["''::text", "'a'::text", "'b'::text", "'ab'::text"], "b": ["true", "false"],
    "l": ["'{}'::int[]", "'{1,NULL}'::int[]"], "j": ["'{}'::jsonb", "'{\"a\": null}'::jsonb", "'null'::jsonb"],
    "c": ["ROW (NULL, NULL, NULL)::address", "ROW ('a', NULL, 1)::address"], "m": ["'ok'::mood", "'sad'::mood"],
}


OWN = "{}"  # in the templates of tests: the column


class Sight:
    """What an expression may refer to: columns as (text, type); in a grouped query `inner` is what aggregates see."""

    def __init__(self, columns, inner=None, windows=False, grouping=None):
        self.columns, self.inner, self.windows, self.grouping = columns, inner, windows, grouping


class Expressions:
    """Needs of the class that completes it: rng, subquery(types, columns, depth)."""

    def pick(self, *choices):
        return self.rng.choice(choices)

    def chance(self, part):
        return self.rng.random() < part

    def column(self, kind, sight):
        """A column of that type; a constant where there is none."""
        fitting = [text for text, own in sight.columns if own == kind]
        if fitting and not self.chance(0.1):
            return self.rng.choice(fitting)
        return f"NULL::{CASTS[kind]}" if self.chance(0.15) else self.rng.choice(CONSTANTS[kind])

    def expr(self, kind, sight, depth):
        """An expression of that type."""
        if sight.inner is not None and self.chance(0.45):
            return self.aggregate(kind, sight, max(depth - 1, 0))
        if sight.windows and depth and self.chance(0.3):
            return self.window(kind, sight, depth - 1)
        if depth <= 0 or self.chance(0.35):
            return self.column(kind, sight)
        if self.chance(0.3):
            return self.general(kind, sight, depth - 1)
        return getattr(self, "make_" + kind)(sight, depth - 1)

    # ---- forms that every type has ----

    def general(self, kind, sight, depth):
        one, two = self.expr(kind, sight, depth), self.expr(kind, sight, depth)
        form = self.rng.randrange(9)
        if form < 2:
            return f"coalesce({one}, {two})"
        if form == 2 and kind not in "cj":
            return f"{self.pick('greatest', 'least')}({one}, {two})"
        if form == 3 and kind not in "c":
            return f"nullif({one}, {two})"
        if form < 7:
            return self.case(kind, sight, depth, one, two)
        return self.scalar(kind, sight, depth)

    def case(self, kind, sight, depth, one, two):
        form = self.rng.randrange(4)
        if form == 0:
            return f"(CASE WHEN {self.condition(sight, depth)} THEN {one} END)"
        if form == 1:
            key = self.expr("i", sight, 0)
            return f"(CASE {key} WHEN {self.expr('i', sight, 0)} THEN {one} WHEN 2 THEN {two} ELSE {self.column(kind, sight)} END)"
        if form == 2:
            first, second = self.condition(sight, depth), self.condition(sight, depth)
            return f"(CASE WHEN {first} THEN {one} WHEN {second} THEN {two} ELSE {self.column(kind, sight)} END)"
        return f"(CASE WHEN {self.condition(sight, depth)} THEN {one} ELSE {two} END)"

    def scalar(self, kind, sight, depth):
        """A scalar subquery: with a LIMIT, of an aggregate, or without FROM."""
        form = self.rng.randrange(5)
        if form == 0:
            where = f" WHERE {self.condition(sight, 0)}" if self.chance(0.4) else ""
            return f"(SELECT {self.expr(kind, Sight(sight.columns), depth)}{where})"
        if form == 1:
            return f"(VALUES ({self.expr(kind, Sight(sight.columns), depth)}))"
        if form == 2 or kind not in "it":
            inside = self.subquery([kind], sight.columns, depth)
            limit = f" LIMIT {self.pick('1', '1', '1', '0')}" if "LIMIT" not in inside and "OFFSET" not in inside else ""
            return f"({inside}{limit})"
        tail = self.rng.choice(["", "", "", " LIMIT 1", " OFFSET 0", " HAVING count(*) > 1"])
        source, columns = self.source(0, sight.columns)
        inside = Sight(columns, inner=columns)
        where = f" WHERE {self.condition(Sight(columns + sight.columns), 0)}" if self.chance(0.6) else ""
        value = self.aggregate(kind, inside, 0)
        value = f"coalesce({value}, {self.rng.choice(CONSTANTS[kind])})" if self.chance(0.3) else value
        return f"(SELECT {value} FROM {source}{where}{tail})"

    # ---- by type ----

    def make_i(self, sight, depth):
        i = lambda: self.expr("i", sight, depth)  # noqa: E731
        t = lambda: self.expr("t", sight, depth)  # noqa: E731
        return self.rng.choice([
            lambda: f"({i()} {self.pick('+', '-', '*', '+')} {i()})", lambda: f"(- {i()})", lambda: f"abs({i()})",
            lambda: f"length({t()})", lambda: f"({i()} / nullif({i()}, 0))", lambda: f"({self.expr('b', sight, depth)})::int",
            lambda: f"({i()})::bigint::int", lambda: f"({i()} + 0.5)::int", lambda: f"strpos({t()}, 'a')",
            lambda: f"cardinality({self.expr('l', sight, depth)})", lambda: f"({self.expr('l', sight, depth)})[{i()}]",
            lambda: f"array_length({self.expr('l', sight, depth)}, 1)",
            lambda: f"array_position({self.expr('l', sight, depth)}, {i()})",
            lambda: f"({self.expr('c', sight, depth)}).zip", lambda: f"sql_strict({i()})", lambda: f"pl_strict({i()})",
            lambda: f"sql_loose({i()})", lambda: f"sql_atomic({i()})", lambda: f"sql_strict({i()})", lambda: f"least({i()}, {i()})", lambda: f"({i()} +|+ {i()})",
            lambda: f"({i()} + {t()})", lambda: f"({self.expr('m', sight, depth)})::int",
            lambda: f"(abs({i()}) + 1)::positive::int", lambda: f"num_nulls({i()}, {t()})",
            lambda: f"(some_out({i()})).{self.pick('p', 'q')}", lambda: f"num_nulls(VARIADIC {self.expr('l', sight, depth)})",
            lambda: f"variadic_sum({i()}, {i()})", lambda: f"scale(({i()})::numeric)", lambda: f"ascii({t()})",
            lambda: f"extract(hour from ({self.pick('now()', 'current_date')}))::int", lambda: f"({i()} % nullif({i()}, 0))",
            lambda: f"array_ndims({self.expr('l', sight, depth)})", lambda: f"jsonb_extract_path_text({self.expr('j', sight, depth)}, 'b')::int",
            lambda: f"({i()} = {t()})::int", lambda: f"({i()} IS DISTINCT FROM {t()})::int", lambda: f"sign({i()}::numeric)::int",
            lambda: f"lower(int4range({i()}, NULL))", lambda: f"upper(int4range({self.column('i', sight)}, {self.column('i', sight)}))",
            lambda: f"regexp_count({t()}, 'a')", lambda: f"octet_length({t()})",
        ])()

    def make_t(self, sight, depth):
        t = lambda: self.expr("t", sight, depth)  # noqa: E731
        i = lambda: self.expr("i", sight, depth)  # noqa: E731
        return self.rng.choice([
            lambda: f"({t()} || {t()})", lambda: f"upper({t()})", lambda: f"({i()})::text", lambda: f"concat({t()}, {i()})",
            lambda: f"left({t()}, 1)", lambda: f"substring({t()} from 'a(.)')", lambda: f"substr({t()}, 1, 2)",
            lambda: f"({self.expr('j', sight, depth)} ->> 'a')", lambda: f"({self.expr('c', sight, depth)}).city",
            lambda: f"({self.expr('m', sight, depth)})::text", lambda: f"lower({i()})", lambda: f"replace({t()}, 'a', 'b')",
            lambda: f"array_to_string({self.expr('l', sight, depth)}, ',')", lambda: f"({t()})::title::text",
            lambda: f"other.upper({t()})", lambda: f"({t()} || {i()})", lambda: f"quote_nullable({t()})",
            lambda: f"format('%s', {t()})", lambda: f"split_part({t()}, 'a', 1)", lambda: f"pl_loose({i()})",
            lambda: f"concat_ws({t()}, {t()}, {i()})", lambda: f"concat(VARIADIC ({self.expr('l', sight, depth)})::text[])",
            lambda: f"substring({t()} similar 'a#\"_#\"b' escape '#')", lambda: f"(regexp_match({t()}, '(a)'))[1]",
            lambda: f"to_char({i()}, '99')", lambda: f"to_char(now(), {t()})", lambda: f"jsonb_typeof({self.expr('j', sight, depth)})",
            lambda: f"lpad({t()}, 3)", lambda: f"coalesce({t()}, '')", lambda: f"regexp_replace({t()}, 'a', 'b')", lambda: f"md5({t()})",
            lambda: f"translate({t()}, 'a', 'b')", lambda: f"array_to_string(ARRAY[{t()}, {t()}], ',')", lambda: f"initcap({t()})",
        ])()

    def make_b(self, sight, depth):
        return f"({self.condition(sight, depth)})"

    def make_l(self, sight, depth):
        i = lambda: self.expr("i", sight, depth)  # noqa: E731
        return self.rng.choice([
            lambda: f"ARRAY[{i()}, {i()}]", lambda: f"({self.expr('l', sight, depth)} || {i()})",
            lambda: f"array_remove({self.expr('l', sight, depth)}, {i()})", lambda: f"({self.expr('l', sight, depth)})[1:2]",
            lambda: f"array_append({self.expr('l', sight, depth)}, {i()})",
            lambda: f"ARRAY({self.subquery(['i'], sight.columns, depth - 1)})",
        ])()

    def make_j(self, sight, depth):
        j = lambda: self.expr("j", sight, depth)  # noqa: E731
        return self.rng.choice([
            lambda: f"jsonb_build_object('a', {self.expr('i', sight, depth)})", lambda: f"({j()} -> 'a')",
            lambda: f"to_jsonb({self.expr('t', sight, depth)})", lambda: f"({j()} || {j()})", lambda: f"({j()} #> '{{a}}')",
            lambda: f"jsonb_build_array(VARIADIC {self.expr('l', sight, depth)})", lambda: f"jsonb_strip_nulls({j()})",
            lambda: f"jsonb_path_query_first({j()}, '$.a')", lambda: f"jsonb_path_query_array({j()}, '$.a')",
            lambda: f"jsonb_set({j()}, '{{a}}', {j()})", lambda: f"to_jsonb({self.expr('i', sight, depth)})",
        ])()

    def make_c(self, sight, depth):
        return self.rng.choice([
            lambda: f"ROW ({self.expr('t', sight, depth)}, NULL, {self.expr('i', sight, depth)})::address",
            lambda: f"coalesce({self.expr('c', sight, depth)}, {self.expr('c', sight, depth)})",
        ])()

    def make_m(self, sight, depth):
        return f"coalesce({self.expr('m', sight, depth)}, {self.expr('m', sight, depth)})"

    # ---- conditions ----

    def condition(self, sight, depth):
        """A boolean expression, as they stand in WHERE."""
        form = self.rng.random()
        if depth > 0 and form < 0.3:
            one, two = self.condition(sight, depth - 1), self.condition(sight, depth - 1)
            return self.pick(f"({one} AND {two})", f"({one} AND {two})", f"({one} OR {two})", f"(NOT ({one} AND {two}))",
                             f"(NOT ({one} OR {two}))")
        if depth > 0 and form < 0.45:
            one = self.condition(sight, depth - 1)
            return "({})".format(self.pick(
                f"NOT {one}", f"{one} IS TRUE", f"{one} IS NOT TRUE", f"{one} IS FALSE", f"{one} IS NOT FALSE",
                f"{one} IS UNKNOWN", f"{one} IS NOT UNKNOWN", f"{one} IS NULL", f"{one} = true", f"coalesce({one}, false)",
                f"coalesce({one}, true)", f"({one}) IS DISTINCT FROM true"))
        if depth > 0 and form < 0.6:
            return self.subquery_test(sight, depth - 1)
        return self.test(sight, max(depth - 1, 0))

    def test(self, sight, depth):
        kind = self.pick("i", "i", "i", "t")
        plain = Sight(sight.columns)
        one, two, three = (self.expr(kind, plain if self.chance(0.8) else sight, depth if self.chance(0.4) else 0)
                           for _ in range(3))
        has = {own for _, own in sight.columns}
        if self.chance(0.4):
            return f"({one} {self.pick('=', '=', '<', '>=', '<>', 'IS NOT DISTINCT FROM', 'IS DISTINCT FROM')} {two})"
        i, other, t = self.column("i", sight), self.column("i", sight), self.column("t", sight)
        tests = [f"{one} IS NOT NULL", f"{one} IS NULL", f"{one} IN ({two}, {three})", f"{one} NOT IN ({two}, {three})",
                 f"{one} BETWEEN {two} AND {three}", f"{one} NOT BETWEEN {two} AND {three}", f"nullif({i}, 1) > 0",
                 f"{i} <> ALL (ARRAY[{other}, 1])", f"{i} ==== {other}", f"num_nonnulls({i}, {t}) > 0"]
        if "t" in has:
            tests += [f"{t} LIKE '%'", f"{t} NOT LIKE 'a%'", f"{t} ~ '^a'", f"coalesce({t} === 'a', true)", f"({i}, {t}) < ({other}, 'b')",
                      f"({i}, {t}) IN (({other}, 'a'), (1, 'x'))", f"({i}, {t}) IS DISTINCT FROM (1, 'a')", f"ROW ({i}, {t}) IS NULL",
                      f"ROW ({i}, {t}) IS NOT NULL", f"NOT (ROW ({i}, {t}) IS NULL)", f"length({t}) >= {i}"]
        for own, texts in {"c": ["{} IS NOT NULL", "{} IS NULL", "NOT ({} IS NULL)", "({}).zip > 0"],
                           "b": ["{}", "NOT {}", "{} IS TRUE"],
                           "j": ["{} ? 'a'", "{} ->> 'a' = '1'"], "m": ["{} = 'ok'", "{} > 'sad'"],
                           "l": ["{} @> ARRAY[1]", f"{i} = ANY ({OWN})", f"{i} > ALL ({OWN})", "({})[1] > 0"]}.items():
            if own in has:
                tests += [text.replace(OWN, self.column(own, sight)) for text in texts]
        if sight.inner is None and self.chance(0.06):
            rows = [text.partition(".")[0] for text, _ in sight.columns if text.startswith("r")]
            tests = [text.replace(OWN, self.rng.choice(rows or ["NULL"])) for text in ("{} IS NOT NULL", "{} IS NULL", "NOT ({} IS NULL)",
                                                                                      "NOT ({} IS NOT NULL)", "{} IS DISTINCT FROM NULL")]
        return f"({self.rng.choice(tests)})"

    def subquery_test(self, sight, depth):
        one = self.column("i", sight)
        inside = self.subquery(["i"], sight.columns, depth)
        return "({})".format(self.pick(
            f"EXISTS ({inside})", f"NOT EXISTS ({inside})", f"{one} IN ({inside})", f"{one} NOT IN ({inside})",
            f"{one} > ANY ({inside})", f"{one} <> ALL ({inside})",
            f"({one}, {self.column('t', sight)}) IN ({self.subquery(['i', 't'], sight.columns, depth)})",
            f"{one} = {self.scalar('i', sight, 0)}"))

    # ---- aggregates and windows ----

    def aggregate(self, kind, sight, depth):
        """An aggregate call of that type; what has none gets a column of the group."""
        inner = Sight(sight.inner)
        value = lambda k: self.expr(k, inner, depth)  # noqa: E731
        if sight.grouping and kind == "i" and self.chance(0.1):
            return f"grouping({self.rng.choice(sight.grouping)})"
        calls = {
            "i": [lambda: "count(*)", lambda: f"count({value('i')})", lambda: f"count(DISTINCT {value('t')})",
                  lambda: f"max({value('i')})", lambda: f"min({value('i')})", lambda: f"sum({value('i')})",
                  lambda: f"avg({value('i')})", lambda: f"bit_or({value('i')})", lambda: f"null_of({value('i')})",
                  lambda: f"last_of({value('i')})", lambda: f"stddev({value('i')})", lambda: f"var_pop({value('i')})"],
            "t": [lambda: f"string_agg({value('t')}, ',')", lambda: f"max({value('t')})", lambda: f"min({value('t')})"],
            "b": [lambda: f"bool_and({value('b')})", lambda: f"bool_or({value('b')})"],
            "l": [lambda: f"array_agg({value('i')})"],
            "j": [lambda: f"jsonb_agg({value('i')})"],
        }
        if kind not in calls:
            return self.column(kind, sight)
        text = self.rng.choice(calls[kind])()
        if self.chance(0.15):
            text += f" FILTER (WHERE {self.condition(inner, 0)})"
        return f"({text})::int" if kind == "i" else text

    def window(self, kind, sight, depth):
        """A window function; frames of all kinds."""
        plain = Sight(sight.columns, inner=sight.inner)
        i = self.expr("i", plain, depth)
        calls = {"i": ["row_number()", "rank()", "dense_rank()", "count(*)", f"count({i})", f"sum({i})", f"max({i})",
                       f"min({i})", f"avg({i})", f"lag({i})", f"lead({i}, 1, {self.expr('i', plain, 0)})", f"lag({i}, 1, 0)",
                       f"lag({i}, {self.expr('i', plain, 0)}, 0)", f"first_value({i})", f"last_value({i})",
                       f"nth_value({i}, 2)", "ntile(2)"],
                 "t": [f"{name}({self.expr('t', plain, depth)})" for name in ("first_value", "last_value", "max", "lag")],
                 "l": [f"array_agg({i})"], "b": [f"bool_or({self.expr('b', plain, 0)})"]}
        if kind not in calls:
            return self.column(kind, plain)
        call = self.rng.choice(calls[kind])
        if call.partition("(")[0] in ("count", "sum", "max", "avg") and self.chance(0.15):
            call += f" FILTER (WHERE {self.condition(plain, 0)})"
        text = f"{call} OVER ({self.frame(plain)})"
        return f"({text})::int" if kind == "i" else f"({text})"

    def frame(self, sight):
        parts = []
        if self.chance(0.4):
            parts.append(f"PARTITION BY {self.expr('i', sight, 0)}")
        ordered = self.chance(0.7)
        if ordered:
            parts.append(f"ORDER BY {self.expr('i', sight, 0)}")
        if self.chance(0.5):
            mode = self.pick("ROWS", "ROWS", "RANGE", "GROUPS") if ordered else self.pick("ROWS", "RANGE")
            start = ["UNBOUNDED PRECEDING", "2 PRECEDING", "1 PRECEDING", "CURRENT ROW", "1 FOLLOWING"]
            end = ["2 PRECEDING", "1 PRECEDING", "CURRENT ROW", "1 FOLLOWING", "2 FOLLOWING", "UNBOUNDED FOLLOWING"]
            if mode == "RANGE":
                start, end = [start[0], start[3]], [end[2], end[5]]
            first, last = self.rng.choice(start), self.rng.choice(end)
            order = ["UNBOUNDED PRECEDING", "2 PRECEDING", "1 PRECEDING", "CURRENT ROW", "1 FOLLOWING", "2 FOLLOWING",
                     "UNBOUNDED FOLLOWING"]
            if order.index(first) > order.index(last) or self.chance(0.2):
                parts.append(f"{mode} {self.rng.choice([s for s in start if 'FOLLOWING' not in s])}")
            else:
                parts.append(f"{mode} BETWEEN {first} AND {last}")
            if self.chance(0.4):
                parts.append(f"EXCLUDE {self.pick('CURRENT ROW', 'GROUP', 'TIES', 'NO OTHERS')}")
        return " ".join(parts)
