"""What is recorded, part by part; each part can record itself and compare itself.

A part has `record(server, checkout) -> summary`, `compare(server, checkout) ->
(differences, number compared)` and `recorded() -> number of answers`. The server holds database TEMPLATE with the
original's schema; a part that writes clones it.
"""

import asyncio
import copy
import functools

import asyncpg

import calls
import catalog
import fixture
import gen_arith
import gen_bulk
import gen_publish
import gen_queue
import gen_reviews
import gen_runs
import gen_schedule
import gen_sequences
import gen_site
import gen_state
import gen_uploads
import original
import recorded
import sequences

TEMPLATE = "original"


class Catalog:
    """The catalog of the original's schema, `schema-catalog.json`."""

    FILE = "schema-catalog.json"

    async def _read(self, server):
        conn = await asyncpg.connect(server.url(TEMPLATE))
        try:
            return await catalog.read(conn)
        finally:
            await conn.close()

    async def record(self, server, checkout):
        found = await self._read(server)
        recorded.write_json(self.FILE, found)
        return f"{len(found['tables'])} tables, {len(found['views'])} views"

    def recorded(self):
        return sum(len(part) for part in recorded.read_json(self.FILE).values())

    async def compare(self, server, checkout):
        stored = recorded.read_json(self.FILE)
        said = catalog.compare(await self._read(server), stored)
        return said, sum(len(part) for part in stored.values())


@functools.lru_cache(maxsize=1)
def modules_of(checkout):
    """The original is imported once."""
    return original.Modules(checkout)


def _differences(old, new):
    """What a case answered or left otherwise: the first call, else the queue, in a line."""
    for number, (was, now) in enumerate(zip(old["calls"], new["calls"])):
        if was != now:
            answers = [{k: c.get(k) for k in ("ok", "error", "row", "posts")} for c in (was, now)]
            return [f"{old['case']} call {number} ({recorded.line_of([was['fn'], was['args']])[:200]}): "
                    f"recorded {answers[0]}, now {answers[1]}"]
    if old["after"] != new["after"]:
        return [f"{old['case']}: left {recorded.line_of(new['after'])}, recorded {recorded.line_of(old['after'])}"]
    return []


class Calls:
    """Calls of the queue and schedule functions with their fixtures and what they left behind."""

    def __init__(self, name, generator):
        self.file = f"{name}.jsonl.gz"
        self.generator = generator

    async def _run(self, server, checkout, cases):
        modules = modules_of(checkout)
        database = "work_" + self.file.split(".")[0]
        server.create(database, TEMPLATE)
        conn, other = [await asyncpg.connect(server.url(database)) for _ in range(2)]
        try:
            for each in (conn, other):
                await modules.state.init_types(each)
            loader = fixture.Loader(conn)
            return [await calls.run_case(modules, loader, other, case) for case in cases]
        finally:
            await conn.close()
            await other.close()

    async def record(self, server, checkout):
        cases = [copy.deepcopy(c) for c in self.generator.cases()]
        done = await self._run(server, checkout, cases)
        recorded.write_lines(self.file, done)
        return f"{len(done)} cases, {sum(len(c['calls']) for c in done)} calls"

    def recorded(self):
        return sum(len(c["calls"]) for c in recorded.read_lines(self.file))

    async def compare(self, server, checkout):
        stored = recorded.read_lines(self.file)
        again = await self._run(server, checkout, [calls.bare(c) for c in copy.deepcopy(stored)])
        said = [line for old, new in zip(stored, again) for line in _differences(old, new)]
        return said, sum(len(c["calls"]) for c in stored)


class Arithmetic:
    """Pure functions: offsets, means, probabilities, rounding of seconds."""

    FILE = "arithmetic.jsonl.gz"

    async def _answers(self, checkout):
        # The functions are asynchronous and drive their own loop: not in ours.
        modules = modules_of(checkout)
        return await asyncio.to_thread(lambda: [
            *gen_arith.answers(modules.schedule),
            *gen_arith.environments(modules.splitout_env, modules.parse_username)])

    async def record(self, server, checkout):
        found = await self._answers(checkout)
        recorded.write_lines(self.FILE, found)
        return f"{len(found)} answers"

    def recorded(self):
        return len(recorded.read_lines(self.FILE))

    async def compare(self, server, checkout):
        stored = recorded.read_lines(self.FILE)
        again = await self._answers(checkout)
        said = [f"recorded {old}, now {new}" for old, new in zip(stored, again) if old != new]
        if len(stored) != len(again):
            said.append(f"{len(stored)} recorded, {len(again)} now")
        return said, len(stored)


class Sequences:
    """Write sequences over every table, with what each statement answered and changed."""

    FILE = "sequences.jsonl.gz"

    async def _play(self, server, chosen):
        server.create("work_sequences", TEMPLATE)
        conn = await asyncpg.connect(server.url("work_sequences"))
        try:
            player = sequences.Player(conn)
            return [await player.play(s) for s in chosen]
        finally:
            await conn.close()

    async def record(self, server, checkout):
        done = await self._play(server, list(gen_sequences.sequences()))
        recorded.write_lines(self.FILE, done)
        return f"{len(done)} sequences, {sum(len(s['statements']) for s in done)} statements"

    def recorded(self):
        return sum(len(s["statements"]) for s in recorded.read_lines(self.FILE))

    async def compare(self, server, checkout):
        stored = recorded.read_lines(self.FILE)
        again = await self._play(server, stored)
        said = [line for old, new in zip(stored, again) for line in sequences.differences(old, new)]
        return said, len(stored)


ALL = {
    "catalog": Catalog(),
    "sequences": Sequences(),
    "queue": Calls("queue", gen_queue),
    "schedule": Calls("schedule", gen_schedule),
    "bulk": Calls("bulk", gen_bulk),
    "state": Calls("state", gen_state),
    "runs": Calls("runs", gen_runs),
    "reviews": Calls("reviews", gen_reviews),
    "uploads": Calls("uploads", gen_uploads),
    "publish": Calls("publish", gen_publish),
    "site": Calls("site", gen_site),
    "arithmetic": Arithmetic(),
}
