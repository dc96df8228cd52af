"""Run one sequence of writes and tell what it answered and what it left.

A sequence: {"sequence": NAME, "ties": BOOL, "statements": [SQL, ...]}. Recorded beside it:
"answers", one per statement (command tag, rows of a SELECT, or [SQLSTATE, constraint or
column]); "changed", one per statement ({relation: digest} of what differs from before);
"state", the relations at the end that are not empty, in full.
"""

import asyncpg

import fixture
import state


async def statement(conn, sql):
    """Command tag; rows as text for a SELECT; [sqlstate, constraint or column] for a refusal."""
    try:
        if sql.startswith("SELECT"):
            return [[None if v is None else str(v) for v in row] for row in await conn.fetch(sql)]
        return await conn.execute(sql)
    except asyncpg.PostgresError as refusal:
        named = getattr(refusal, "constraint_name", None) or getattr(refusal, "column_name", None)
        return {"refused": refusal.sqlstate, "by": named}


class Player:
    """One connection to a database with the schema under test; one sequence after another."""

    def __init__(self, conn):
        self.conn = conn
        self.loader = fixture.Loader(conn)
        self.look = None

    async def relations(self, ties):
        if self.look is None:
            self.look = await self.conn.prepare(state.QUERY)
        return state.canonical(await self.look.fetch(), ties)

    async def play(self, sequence):
        """The sequence with its answers filled in."""
        await self.loader.empty()
        before = dict.fromkeys(state.TABLES + state.VIEWS, state.EMPTY)
        answers, changed, relations = [], [], {}
        for sql in sequence["statements"]:
            answers.append(await statement(self.conn, sql))
            relations = await self.relations(sequence["ties"])
            after = state.digests(relations)
            changed.append({name: d for name, d in after.items() if d != before[name]})
            before = after
        return {**bare(sequence), "answers": answers, "changed": changed,
                "state": {name: rows for name, rows in relations.items() if rows}}


def bare(sequence):
    return {k: sequence[k] for k in ("sequence", "ties", "statements")}


def differences(recorded, played):
    """The first statement that answered or changed something else, in words; [] if none."""
    for number, sql in enumerate(recorded["statements"]):
        where = f"{recorded['sequence']} statement {number} ({sql})"
        if recorded["answers"][number] != played["answers"][number]:
            return [f"{where}: answered {played['answers'][number]}, upstream {recorded['answers'][number]}"]
        if recorded["changed"][number] != played["changed"][number]:
            theirs, ours = recorded["changed"][number], played["changed"][number]
            names = sorted(n for n in theirs.keys() | ours.keys() if theirs.get(n) != ours.get(n))
            return [f"{where}: {', '.join(names)} changed otherwise"] + _rows(recorded, played, names)
    if recorded["state"] != played["state"]:
        return [f"{recorded['sequence']}: another state at the end"] + _rows(recorded, played, list(state.TABLES))
    return []


def _rows(recorded, played, names):
    """Rows at the end that only one side has, for the reader of a difference."""
    said = []
    for name in names:
        theirs, ours = recorded["state"].get(name, []), played["state"].get(name, [])
        said += [f"  at the end, {name}: upstream alone {r}" for r in theirs if r not in ours]
        said += [f"  at the end, {name}: ours alone {r}" for r in ours if r not in theirs]
    return said[:6]
