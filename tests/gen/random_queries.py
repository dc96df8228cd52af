"""Random statements over whatever tables and views a schema has: join trees, derived tables, CTEs (also recursive and
writing), grouping, set operations, windows, set-returning functions, RETURNING.

Every item of a FROM clause has an alias of its own, so that a name means one thing in the whole statement.
"""

from random_exprs import CASTS, CONSTANTS, Expressions, Sight

# Tables, views and materialised views with all columns; those of types that the generator does not use are None.
RELATIONS = """
SELECT c.oid::regclass::text, c.relkind::text, quote_ident(a.attname), a.attname::text,
       CASE coalesce(nullif(t.typbasetype, 0), t.oid)::regtype::text
       WHEN 'integer' THEN 'i' WHEN 'text' THEN 't' WHEN 'title' THEN 't' WHEN 'boolean' THEN 'b' WHEN 'integer[]' THEN 'l'
       WHEN 'jsonb' THEN 'j' WHEN 'address' THEN 'c' WHEN 'mood' THEN 'm' WHEN 'bigint' THEN 'n' END,
       a.attgenerated <> '' OR a.attidentity = 'a', a.attnotnull OR t.typnotnull OR (c.relkind = 'v' AND a.attname IN ('v', 'n', 't', 'f'))
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid JOIN pg_type AS t ON t.oid = a.atttypid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0
  AND NOT a.attisdropped ORDER BY c.oid, a.attnum
"""
# Reading a foreign table starts a program each time; those stay with the corpus, but for a few.
SLOW = {"sensor", "station", "sensor_far", "station_far"}
FAVOURITES = ["a", "b", "c", "a", "b", "c", "person", "left_view", "plain_log"]
# Tables that statements write: column -> type; `id` is the key.
WRITTEN = ["plain_log", "plain_log", "forgetful", "a", "b", "c", "tagged", "log_view", "trigger_view", "plain_view",
           "filtered_view", "kept_view", "checked_view", "forget_view", "moved", "vehicle", "animal", "plant", "event", "metric", "product", "person", "ruled"]
UNIQUE = {"plain_log", "forgetful", "a", "b", "tagged", "product", "person"}


class Relation:
    def __init__(self):
        self.columns = []  # (quoted name, type or None, may be written)
        self.needed = set()  # names of those that must not be NULL

    def seen_as(self, alias):
        """The columns that expressions may use."""
        return [(f"{alias}.{name}" if kind != "n" else f"({alias}.{name})::int", "i" if kind == "n" else kind)
                for name, kind, _ in self.columns if kind]


class Generator(Expressions):
    """Makes statements from one source of randomness."""

    def __init__(self, rng, database):
        self.rng, self.aliases, self.ctes = rng, 0, []
        self.relations = {}
        for relation, _, quoted, _, kind, generated, needed in database.rows(RELATIONS):
            made = self.relations.setdefault(relation, Relation())
            made.columns.append((quoted, kind, not generated))
            made.needed.update([quoted] if needed else [])
        self.names = sorted(set(self.relations) - SLOW)
        self.slow = sorted(SLOW & set(self.relations))

    def alias(self):
        self.aliases += 1
        return f"r{self.aliases}"

    # ---- FROM ----

    def relation(self):
        if self.chance(0.004):
            return self.rng.choice(self.slow)
        return self.rng.choice(FAVOURITES if self.chance(0.6) else self.names)

    def source(self, depth, outer):
        """One item of FROM and its columns. `outer`: columns that a LATERAL item may use."""
        form, alias = self.rng.random(), self.alias()
        if self.ctes and form < 0.15:
            name, kinds = self.rng.choice(self.ctes)
            return f"{name} AS {alias}", [(f"{alias}.c{i}", kind) for i, kind in enumerate(kinds)]
        if depth > 0 and form < 0.32:
            kinds = [self.pick("i", "i", "t", "b", "l") for _ in range(self.rng.randrange(1, 4))]
            lateral = bool(outer) and self.chance(0.5)
            inside = self.query(kinds, depth - 1, outer if lateral else [])
            return (f"{'LATERAL ' if lateral else ''}({inside}) AS {alias}",
                    [(f"{alias}.c{i}", kind) for i, kind in enumerate(kinds)])
        if form < 0.42:
            return self.function_source(alias, outer)
        if form < 0.47:
            return self.values_source(alias, outer)
        if form < 0.56:
            return self.merged_join(alias)
        name = self.relation()
        only = "ONLY " if self.chance(0.1) else ""
        return f"{only}{name} AS {alias}", self.relations[name].seen_as(alias)

    def function_source(self, alias, outer):
        sight = Sight(outer)
        series = lambda: f"generate_series({self.pick('1', '2')}, {self.expr('i', sight, 0)})"  # noqa: E731
        lists = lambda: f"unnest({self.expr('l', sight, 1)})"  # noqa: E731
        one = lambda: self.rng.choice([series, series, lists, lambda: f"some_rows({self.expr('i', sight, 0)})",  # noqa: E731
                                       lambda: f"abs({self.expr('i', sight, 0)})", lambda: f"sql_loose({self.expr('i', sight, 0)})",
                                       lambda: f"generate_subscripts({self.expr('l', sight, 0)}, 1)"])()
        form = self.rng.randrange(6)
        if form == 0:
            return f"some_table({self.expr('i', sight, 0)}) AS {alias}", [(f"{alias}.p", "i"), (f"{alias}.q", "t")]
        if form == 1:
            return (f"ROWS FROM ({one()}, {one()}) WITH ORDINALITY AS {alias} (p, q, o)",
                    [(f"{alias}.p", "i"), (f"{alias}.q", "i"), (f"({alias}.o)::int", "i")])
        if form == 2:
            return f"ROWS FROM ({one()}, {one()}) AS {alias} (p, q)", [(f"{alias}.p", "i"), (f"{alias}.q", "i")]
        if form == 3:
            return f"{one()} WITH ORDINALITY AS {alias} (p, o)", [(f"{alias}.p", "i"), (f"({alias}.o)::int", "i")]
        if form == 4:
            return (f"unnest({self.expr('l', sight, 1)}, {self.expr('l', sight, 1)}) AS {alias} (p, q)",
                    [(f"{alias}.p", "i"), (f"{alias}.q", "i")])
        return f"{one()} AS {alias} (p)", [(f"{alias}.p", "i")]

    def values_source(self, alias, outer):
        kinds = [self.pick("i", "t", "b") for _ in range(self.rng.randrange(1, 3))]
        sight = Sight(outer)
        rows = ", ".join("(" + ", ".join(f"({self.expr(kind, sight, 0)})::{CASTS[kind]}" for kind in kinds) + ")"
                         for _ in range(self.rng.randrange(1, 4)))
        names = ", ".join(f"c{i}" for i in range(len(kinds)))
        return (f"{'LATERAL ' if outer else ''}(VALUES {rows}) AS {alias} ({names})",
                [(f"{alias}.c{i}", kind) for i, kind in enumerate(kinds)])

    def merged_join(self, alias):
        """Two or three tables joined with USING or NATURAL, seen through one alias that renames the columns."""
        names = [self.rng.choice(["a", "b", "c", "plain_log", "forgetful", "vehicle", "animal", "plain_view", "left_stored"])
                 for _ in range(self.pick(2, 2, 3))]
        text, columns = f"{names[0]} AS {self.alias()}", list(self.relations[names[0]].columns)
        for name in names[1:]:
            more = self.relations[name].columns
            here, there = [column[0] for column in columns], {column[0]: column[1] for column in more}
            common = [column for column in here if column in there]
            natural = self.chance(0.3)
            kinds = {column: kind for column, kind, _ in columns}
            if natural and (len(set(here)) < len(here) or any(kinds[column] != there[column] for column in common)):
                natural = False
            merged = common if natural else ["id"]
            if here.count("id") != 1:
                break
            join = self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "FULL JOIN")
            right = f"{name} AS {self.alias()}"
            text = f"{text} NATURAL {join} {right}" if natural else f"{text} {join} {right} USING (id)"
            first = [column for word in merged for column in columns if column[0] == word]
            columns = (first + [column for column in columns if column[0] not in merged] +
                       [column for column in more if column[0] not in merged])
        renamed = ", ".join(f"k{i}" for i in range(len(columns)))
        return (f"({text}) AS {alias} ({renamed})",
                [(f"({alias}.k{i})::int" if kind == "n" else f"{alias}.k{i}", "i" if kind == "n" else kind)
                 for i, (_, kind, _) in enumerate(columns) if kind])

    def joined(self, depth):
        """Two items joined, in parentheses."""
        (one, columns), (two, more) = self.source(depth, []), self.source(depth, [])
        join = self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
        join, on = self.equal(join, columns, more)
        return f"({one} {join} {two}{on})", columns + more

    def equal(self, join, columns, more):
        """ON with an equality of both sides; without it there is no FULL JOIN."""
        for kind in "it":
            left, right = [[text for text, own in side if own == kind] for side in (columns, more)]
            if left and right:
                return join, f" ON {self.rng.choice(left)} = {self.rng.choice(right)}"
        return ("LEFT JOIN" if join == "FULL JOIN" else join), " ON true"

    def tree(self, depth, outer):
        """A join tree and its columns."""
        text, columns = self.source(depth, outer)
        for _ in range(self.pick(0, 0, 1, 1, 1, 2, 2, 3)):
            join = self.pick("JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN")
            lateral = columns if join in ("JOIN", "LEFT JOIN", "CROSS JOIN") else []
            if self.chance(0.2) and depth > 0:
                other, more = self.joined(depth - 1)
            else:
                other, more = self.source(depth, lateral)
            both = columns + more
            if join == "CROSS JOIN":
                on = ""
            elif join == "FULL JOIN" or self.chance(0.6):
                join, on = self.equal(join, columns, more)
            else:
                on = f" ON {self.condition(Sight(both), 1)}"
            text, columns = f"{text} {join} {other}{on}", both
            if self.chance(0.3):
                text = f"({text})"
        return text, columns

    # ---- SELECT ----

    def items(self, kinds, sight, depth):
        return ", ".join(f"{self.typed(kind, sight, depth)} AS c{i}" for i, kind in enumerate(kinds))

    def typed(self, kind, sight, depth):
        text = self.expr(kind, sight, depth)
        return f"({text})::{CASTS[kind]}" if text in CONSTANTS[kind] else text

    def subquery(self, kinds, outer, depth):
        """For expressions: small, may use the columns outside."""
        if self.chance(0.25):
            return self.query(kinds, max(depth - 1, 0), outer)
        source, columns = self.source(depth, [])
        sight = Sight(columns + outer)
        where = f" WHERE {self.condition(sight, max(depth, 0))}" if self.chance(0.6) else ""
        return f"SELECT {self.items(kinds, Sight(columns + (outer if self.chance(0.2) else [])), max(depth, 0))} FROM {source}{where}"

    def query(self, kinds, depth, outer=()):
        """A query with these output types, columns c0, c1, ...: a SELECT or a set operation."""
        outer = list(outer)
        if depth > 0 and self.chance(0.06):
            return self.nested_with(kinds, depth, outer)
        if depth > 0 and self.chance(0.15):
            one, two = self.query(kinds, depth - 1, outer), self.select(kinds, depth - 1, outer)
            operation = self.pick("UNION", "UNION ALL", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL")
            return f"({one}) {operation} ({two})"
        if self.chance(0.04):
            rows = ", ".join("(" + ", ".join(f"({self.expr(kind, Sight(outer), 1)})::{CASTS[kind]}" for kind in kinds) + ")"
                             for _ in range(self.pick(1, 2)))
            return f"SELECT * FROM (VALUES {rows}) AS {self.alias()} ({', '.join(f'c{i}' for i in range(len(kinds)))})"
        return self.select(kinds, depth, outer)

    def select(self, kinds, depth, outer):
        text, columns = self.tree(depth, outer)
        inside = columns + (outer if self.chance(0.3) else [])
        where = f" WHERE {self.condition(Sight(inside), self.pick(0, 1, 2))}" if self.chance(0.5) else ""
        form = self.rng.random()
        if form < 0.45:
            return self.plain(kinds, text, where, inside)
        if form < 0.8:
            return self.grouped(kinds, text, where, columns)
        if form < 0.92:
            return f"SELECT {self.items(kinds, Sight(inside, windows=True), 2)} FROM {text}{where}{self.tail(kinds)}"
        return self.with_sets(kinds, text, where, inside)

    def tail(self, kinds):
        order = f" ORDER BY {self.rng.randrange(len(kinds)) + 1}" if not set(kinds) & set("j") else ""
        if self.chance(0.02):
            return " ORDER BY generate_series(1, 3)"
        return self.pick("", "", "", "", "", "", order, f"{order} LIMIT 3", f"{order} OFFSET 1")

    def plain(self, kinds, text, where, columns):
        form = self.rng.random()
        sight = Sight(columns)
        if form < 0.12:
            return f"SELECT DISTINCT {self.items(kinds, sight, 2)} FROM {text}{where}"
        if form < 0.2:
            first = self.typed(kinds[0], sight, 1)
            rest = "".join(f", {self.typed(kind, sight, 1)} AS c{i + 1}" for i, kind in enumerate(kinds[1:]))
            return f"SELECT DISTINCT ON ({first}) {first} AS c0{rest} FROM {text}{where}"
        return f"SELECT {self.items(kinds, sight, 2)} FROM {text}{where}{self.tail(kinds)}"

    def kin(self, key, kind):
        """An expression that the planner may take for the key, or for what is made of it."""
        if kind == "b":
            return self.pick(f"({key} AND true)", f"(NOT (NOT {key}))", f"(NOT {key})", f"({key} IS NULL)"), "b"
        same = (f"(CASE WHEN true THEN {key} END)", kind)
        return self.rng.choice([same, same, (f"({key} IS NOT NULL)", "b"), (f"({key} IS NULL)", "b"), (f"coalesce({key}, NULL)", kind)])

    def grouped(self, kinds, text, where, columns):
        """GROUP BY, grouping sets, no GROUP BY at all; HAVING; sometimes windows over the groups."""
        keys = []
        for _ in range(self.pick(1, 1, 2)):
            kind = self.pick("i", "i", "t", "b")
            fitting = [text for text, own in columns if own == kind]
            if fitting:
                keys.append((self.rng.choice(fitting), kind) if self.chance(0.8) else (self.make_i(Sight(columns), 0), "i"))
        if keys and self.chance(0.25):
            keys.append(self.kin(*self.rng.choice(keys)))
        names = [key for key, _ in keys]
        form = self.rng.random() if keys else 0.95
        sets = False
        if form < 0.5:
            group = f" GROUP BY {', '.join(names)}"
        elif form < 0.8:
            sets = True
            listed = ", ".join(names)
            group = " GROUP BY " + self.rng.choice([
                f"ROLLUP ({listed})", f"CUBE ({listed})", f"GROUPING SETS (({listed}), ())",
                f"GROUPING SETS ({', '.join(f'({name})' for name in names)})", f"GROUPING SETS (({listed}), ({names[0]}))",
                f"{names[0]}, ROLLUP ({names[-1]})", f"ROLLUP ({names[-1]}), {names[0]}", f"ROLLUP ({names[0]}), {names[-1]}",
                "GROUPING SETS (())", f"GROUPING SETS (({names[0]}), ({names[0]}, {names[-1]}))"])
            if "(())" in group:
                keys, sets = [], False
        else:
            group, keys = self.pick("", "", "", " GROUP BY ()"), []
        sight = Sight(keys, inner=columns, windows=self.chance(0.15), grouping=names if sets else None)
        having = f" HAVING {self.condition(Sight(keys, inner=columns), 1)}" if self.chance(0.3) else ""
        return f"SELECT {self.items(kinds, sight, 1)} FROM {text}{where}{group}{having}"

    def with_sets(self, kinds, text, where, columns):
        """Set-returning functions in the target list."""
        sight, parts = Sight(columns), []
        for i, kind in enumerate(kinds):
            value = self.typed(kind, sight, 1)
            if kind == "i" and self.chance(0.7):
                value = self.pick(f"generate_series(1, {self.expr('i', sight, 0)})", f"unnest({self.expr('l', sight, 0)})",
                                  f"some_rows({self.expr('i', sight, 0)})", "generate_series(1, 2)", f"({value} + generate_series(1, 2))")
            parts.append(f"{value} AS c{i}")
        return f"SELECT {', '.join(parts)} FROM {text}{where}"

    # ---- WITH ----

    def recursive(self, name):
        kinds = [self.pick("i", "i", "t") for _ in range(self.pick(1, 2, 3))]
        names = ", ".join([f"c{i}" for i in range(len(kinds))] + ["lvl"])
        start = self.select(kinds, 0, [])
        casts = ", ".join(f"(s.c{i})::{CASTS[kind]}" for i, kind in enumerate(kinds))
        start = f"SELECT {casts}, 0 FROM ({start}) AS s"
        alias = self.alias()
        own = [(f"{alias}.c{i}", kind) for i, kind in enumerate(kinds)]
        text, columns = f"{name} AS {alias}", own
        if self.chance(0.6):
            other, more = self.source(0, own)
            text += f" {self.pick('JOIN', 'LEFT JOIN')} {other} ON {self.column('i', Sight(own))} = {self.column('i', Sight(more))}"
            columns = own + more
        plain = [self.column(kind, Sight(own if self.chance(0.6) else columns)) if self.chance(0.5) else
                 f"({self.expr(kind, Sight(columns), 1)})::{CASTS[kind]}" for kind in kinds]
        # no subquery may refer to the recursive name: it does not, since it is not yet among the CTEs
        step = (f"SELECT {', '.join(f'({value})::{CASTS[kind]}' for value, kind in zip(plain, kinds))}, {alias}.lvl + 1 "
                f"FROM {text} WHERE {alias}.lvl < 2" + (f" AND {self.condition(Sight(columns), 0)}" if self.chance(0.4) else ""))
        return f"{name} ({names}) AS ({start} {self.pick('UNION', 'UNION ALL')} {step})", kinds

    def nested_with(self, kinds, depth, outer):
        """A query with a WITH of its own; the name is always the same, so that it hides one further out."""
        own = [self.pick("i", "t") for _ in range(self.pick(1, 2))]
        text, before = self.query(own, depth - 1, outer), self.ctes
        self.ctes = [cte for cte in before if cte[0] != "near"] + [("near", own)] * 3
        body = self.query(kinds, depth - 1, outer)
        self.ctes = before
        return f"SELECT * FROM (WITH near AS ({text}) {body}) AS {self.alias()}"

    def with_clause(self, depth):
        """WITH and its queries; they are in sight of what follows until the statement ends."""
        texts, recursive = [], False
        for _ in range(self.pick(0, 0, 0, 1, 1, 2)):
            name = f"w{self.alias()}"
            kinds = [self.pick("i", "i", "t", "b") for _ in range(self.rng.randrange(1, 4))]
            form = self.rng.random()
            if form < 0.25:
                text, kinds = self.recursive(name)
                recursive = True
            elif form < 0.45:
                text = f"{name} AS ({self.write(kinds, 0)})"
            else:
                text = f"{name} AS {self.pick('', '', 'MATERIALIZED ', 'NOT MATERIALIZED ')}({self.query(kinds, depth)})"
            texts.append(text)
            self.ctes.append((name, kinds))
        if recursive:
            self.rng.shuffle(texts)  # WITH RECURSIVE may refer to what comes later
        return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(texts)} " if texts else ""

    # ---- INSERT, UPDATE, DELETE ----

    def returning(self, kinds, columns):
        return f" RETURNING {self.items(kinds, Sight(columns), 1)}"

    def assignments(self, relation, sight):
        free = [(name, kind) for name, kind, free in relation.columns if free and kind in CASTS and name not in ("id", "k", "at")]
        chosen = self.rng.sample(free, min(len(free), self.pick(1, 1, 2)))
        return ", ".join(f"{name} = {self.stored(name, kind, relation, sight)}" for name, kind in chosen)

    def stored(self, name, kind, relation, sight):
        """A value to store; mostly one that is not refused."""
        text = self.expr(kind, sight, 1)
        return f"coalesce({text}, {self.rng.choice(CONSTANTS[kind])})" if name in relation.needed and self.chance(0.95) else text

    def insert(self, name, alias, relation):
        columns = [(column, kind) for column, kind, free in relation.columns if free and kind in CASTS]
        kept = [(column, kind) for column, kind in columns if column in relation.needed | {"id"} or self.chance(0.75)]
        source, seen = self.source(0, []) if self.chance(0.6) else ("generate_series(1, 2) AS g (p)", [("g.p", "i")])
        low = name in UNIQUE and self.chance(0.6)
        key = f"({0 if low else 500} + row_number() OVER ())::int"
        values = ", ".join(key if column == "id" else f"({self.stored(column, kind, relation, Sight(seen))})::{CASTS[kind]}"
                           for column, kind in kept)
        conflict = ""
        if name in UNIQUE and self.chance(0.6):
            both = relation.seen_as(alias) + relation.seen_as("excluded")
            conflict = self.pick(" ON CONFLICT DO NOTHING",
                                 f" ON CONFLICT (id) DO UPDATE SET {self.assignments(relation, Sight(both))}",
                                 f" ON CONFLICT (id) DO UPDATE SET {self.assignments(relation, Sight(both))} WHERE {self.condition(Sight(both), 1)}")
        return f"INSERT INTO {name} AS {alias} ({', '.join(column for column, _ in kept)}) SELECT {values} FROM {source}{conflict}"

    def write(self, kinds, depth):
        """INSERT, UPDATE or DELETE with RETURNING of these types."""
        name, alias = self.rng.choice(WRITTEN), self.alias()
        relation = self.relations[name]
        own = relation.seen_as(alias)
        form = self.rng.random()
        if form < 0.35 and name != "ruled":
            return self.insert(name, alias, relation) + self.returning(kinds, own)
        other, more = self.tree(depth, []) if self.chance(0.5) else ("", [])
        columns = own + more
        where = f" WHERE {self.condition(Sight(columns), 1) if self.chance(0.8) else 'true'}"
        if form < 0.7:
            head = f"UPDATE {name} AS {alias} SET {self.assignments(relation, Sight(columns))}" + (f" FROM {other}" if other else "")
        else:
            head = f"DELETE FROM {name} AS {alias}" + (f" USING {other}" if other else "")
        return head + where + self.returning(kinds, columns)

    # ---- statements ----

    def statement(self):
        """One statement, without a semicolon."""
        self.aliases, self.ctes = 0, []
        head = self.with_clause(1)
        kinds = [self.pick(*"iiiiiiittttbbljcm") for _ in range(self.rng.randrange(1, 5))]
        body = self.write(kinds, 1) if self.chance(0.2) else self.query(kinds, self.pick(0, 1, 1, 2))
        return head + body
