"""How long the Python original takes to put candidates into the queue. Prints one JSON object.

    /usr/bin/python3 bench/original_bulk.py --checkout DIR --url URL [--items N] [--pool] < ORDER

URL is a database with its schema and the candidates. ORDER has a line "CODEBASE CAMPAIGN CHANCE" for each, in the order
in which they are to be fed; only the first N are. As its schedule command does: read the candidates, map them, add them
in bulk, each a transaction of its own; on its own pool (--pool), which resets the session at each statement, or, quicker
than the command, on one connection. Only bench/run schedule calls this.
"""

import argparse
import asyncio
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "parity"))

import asyncpg  # noqa: E402

import original  # noqa: E402


async def timed(schedule, conn, order):
    """Seconds to read and map everything, and to add what `order` has; `conn` may be a pool."""
    began = time.monotonic()
    rows = await schedule.iter_candidates_with_publish_policy(conn)
    todo = [schedule.queue_item_from_candidate_and_publish_policy(row) for row in rows]
    read = time.monotonic() - began
    known = {(item[0], item[3], item[5]): item for item in todo}
    chosen = [known[codebase, campaign, float(chance)] for codebase, campaign, chance in order]
    assert len(known) == len(todo)
    began = time.monotonic()
    await schedule.bulk_add_to_queue(conn, chosen)
    return {"candidates": len(todo), "items": len(chosen), "read_s": round(read, 3),
            "add_s": round(time.monotonic() - began, 3)}


async def measure(chosen, order):
    modules = original.Modules(chosen.checkout)
    cpu = time.process_time()
    if chosen.pool:
        async with modules.state.create_pool(chosen.url) as pool:
            found = await timed(modules.schedule, pool, order)
    else:
        conn = await asyncpg.connect(chosen.url)
        await modules.state.init_types(conn)
        found = await timed(modules.schedule, conn, order)
        await conn.close()
    return {**found, "client_cpu_s": round(time.process_time() - cpu, 3), "pool": chosen.pool,
            "commit": original.commit_of(chosen.checkout)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkout", required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--items", type=int, default=1 << 30)
    parser.add_argument("--pool", action="store_true")
    chosen = parser.parse_args()
    order = [line.split() for line in sys.stdin][:chosen.items]
    try:
        print(json.dumps(asyncio.run(measure(chosen, order))))
    except original.Missing as reason:
        print(f"original_bulk: not measured: {reason}", file=sys.stderr)
        return 69
    return 0


if __name__ == "__main__":
    sys.exit(main())
