"""Random statements that often give one row at most: keys bound by = to constants, to each other and to rows further
out, beside what looks like it and is not: parts of keys, ORs, outer joins, keys of other types and collations."""

from random_exprs import CONSTANTS, Sight
from random_queries import Generator

# Over the tables of the corpus: keys of several columns, partial, over expressions, with one NULL, not yet valid ones.
KEYS = """
CREATE UNIQUE INDEX ON a (n, x);
CREATE UNIQUE INDEX ON a (u) WHERE f;
CREATE UNIQUE INDEX ON b (a_id, w) NULLS NOT DISTINCT;
CREATE UNIQUE INDEX ON b (lower(s));
CREATE UNIQUE INDEX ON b (v) WHERE w IS NOT NULL;
CREATE UNIQUE INDEX ON c (k, id);
CREATE UNIQUE INDEX ON c ((v + 1), x);
CREATE UNIQUE INDEX ON tagged (v) INCLUDE (tag);
ALTER TABLE plain_log ADD UNIQUE (v) DEFERRABLE INITIALLY DEFERRED;
CREATE UNIQUE INDEX ON plain_log (note COLLATE "C") WHERE v > 1;
CREATE UNIQUE INDEX ON vehicle (id);
CREATE UNIQUE INDEX ON ONLY event (at, kind);
CREATE UNIQUE INDEX ON lot (k, x);
CREATE VIEW keyed_view AS SELECT a.id, b.v, b.w, a.f FROM a JOIN b ON b.id = a.id;
CREATE VIEW loose_view AS SELECT a.id, c.v, c.x FROM a LEFT JOIN c ON c.id = a.id;
"""
TABLES = ["a", "b", "c", "tagged", "plain_log", "keyed_view", "loose_view", "vehicle", "lot", "event"]
# Conditions that keys of expressions and partial ones ask for; {} is the alias.
TERMS = ["{}.f", "{}.w IS NOT NULL", "{}.v > 1", "lower({}.s) = 'a'", "({}.v + 1) = 2", "{}.w IS NULL", "{}.a_id IS NULL",
         "{}.v > 0", "{}.note = 'a'", "{}.note COLLATE \"C\" = 'a'", "({}.v = 1) = true", "{}.id::bigint = 1", "{}.id = 1.0",
         "{}.id IN (1)", "{}.id = ANY ('{{1}}')", "{}.id = ANY (ARRAY[1, 2])", "{}.id IS NOT DISTINCT FROM 1", "{}.u = 'a'"]


class KeyedGenerator(Generator):
    def relation(self):
        return self.rng.choice(TABLES) if self.chance(0.85) else super().relation()

    def bound(self, sight):
        """An equality of a column."""
        kind = self.pick("i", "i", "i", "t", "b")
        fitting = [text for text, own in sight.columns if own == kind]
        keys = [text for text in fitting if text.endswith((".id", ".k", ".k0", ".tag", ".c0", ".v", ".x"))]
        if not fitting:
            return self.test(sight, 0)
        left = self.rng.choice(keys if keys and self.chance(0.8) else fitting)
        right = self.rng.choice(fitting) if self.chance(0.35) else self.expr(kind, sight, 0)
        if self.chance(0.15):
            right = f"(SELECT {self.pick('max', 'min')}(id) FROM a)" if kind == "i" else right
        return f"{left} = {right}" if self.chance(0.9) else f"{right} = {left}"

    def term(self, sight):
        names = {text.split(".")[0] for text, _ in sight.columns if "." in text and text[0] == "r"}
        have = {text for text, _ in sight.columns}
        fitting = [term.replace("{}", name) for term in TERMS for name in sorted(names)
                   if f"{name}.{term.split('.')[1].split(' ')[0].split(')')[0].split(':')[0]}" in have]
        return self.rng.choice(fitting) if fitting else self.bound(sight)

    def condition(self, sight, depth):
        if self.chance(0.2):
            return super().condition(sight, depth)
        parts = [self.bound(sight) if self.chance(0.75) else self.term(sight) for _ in range(self.pick(1, 1, 2, 2, 3))]
        if self.chance(0.1):
            return f"({' OR '.join(parts)})"
        return " AND ".join(parts)

    def tail(self, kinds):
        return self.pick("", "", "", " LIMIT 1", " LIMIT 2", " OFFSET 1", " FETCH FIRST 1 ROW WITH TIES") if self.chance(0.3) else ""

    def equal(self, join, columns, more):
        """ON with equalities of keys."""
        both = [[text for text, own in side if own == "i"] for side in (columns, more)]
        if not both[0] or not both[1]:
            return super().equal(join, columns, more)
        parts = []
        for _ in range(self.pick(1, 1, 2)):
            keys = [[text for text in side if text.endswith((".id", ".k0", ".c0", ".k"))] or side for side in both]
            parts.append(f"{self.rng.choice(keys[0])} = {self.rng.choice(keys[1])}")
        return join, " ON " + " AND ".join(parts)

    def lookup(self):
        """One or two relations with equalities of their columns, and terms that partial keys ask for."""
        self.aliases, self.ctes = 0, []
        text, seen = "", []
        for at in range(self.pick(1, 1, 1, 2, 2, 3)):
            name, alias = self.rng.choice(TABLES), self.alias()
            own = self.relations[name].seen_as(alias)
            source = f"{'ONLY ' if self.chance(0.1) else ''}{name} AS {alias}"
            parts = self.equalities(own, seen)
            if at:
                text += f" {self.pick('JOIN', 'JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN')} {source} ON {' AND '.join(parts)}"
            else:
                text, where = source, parts
            seen = seen + own
        where = [part for part in where if self.chance(0.9)] or ["true"]
        item = self.typed("i", Sight(seen), 0)
        return f"SELECT {item} AS c0 FROM {text} WHERE {' AND '.join(where)}"

    def equalities(self, own, seen):
        parts = []
        for text, kind in self.rng.sample(own, min(len(own), self.pick(1, 1, 2, 2, 3))):
            if kind not in "itb":
                continue
            others = [other for other, its in seen if its == kind]
            value = self.rng.choice(others) if others and self.chance(0.7) else self.rng.choice(CONSTANTS[kind])
            parts.append(f"{text} = {value}")
        return parts + [self.term(Sight(own)) for _ in range(self.pick(0, 0, 1, 1))] or ["true"]

    def statement(self):
        return self.lookup() if self.chance(0.5) else super().statement()
