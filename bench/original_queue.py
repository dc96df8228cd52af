"""How long the Python original takes to look at the head of the queue and to find a place in it. Prints one JSON object.

    /usr/bin/python3 bench/original_queue.py --checkout DIR --url URL [--runs N]

URL is a database with its schema and a queue. Samples are microseconds of one call, on one connection: the next item
with none and with 500 assigned, the place of the last item. Only bench/run queue calls this.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "parity"))

import asyncpg  # noqa: E402

import original  # noqa: E402

CALLS = 100
ORDER = "FROM queue ORDER BY bucket, priority, id"


async def timed(runs, calls, call):
    """Microseconds a call, once for each run; a run before them warms up."""
    samples = []
    for run in range(-1, runs):
        began = time.monotonic()
        for _ in range(calls):
            await call()
        if run >= 0:
            samples.append(round((time.monotonic() - began) * 1e6 / calls, 1))
    return samples


async def measure(chosen):
    modules = original.Modules(chosen.checkout)
    conn = await asyncpg.connect(chosen.url)
    await modules.state.init_types(conn)
    queue = modules.queue.Queue(conn)
    assigned = {row[0] for row in await conn.fetch(f"SELECT id {ORDER} LIMIT 500")}
    last = await conn.fetchrow(f"SELECT suite, codebase {ORDER.replace(',', ' DESC,')} DESC LIMIT 1")
    found = {"next_us": await timed(chosen.runs, CALLS, lambda: queue.next_item()),
             "next_500_assigned_us": await timed(chosen.runs, CALLS,
                                                 lambda: queue.next_item(assigned_queue_items=assigned)),
             "last_us": await timed(chosen.runs, 1, lambda: queue.get_position(last["suite"], last["codebase"]))}
    await conn.close()
    return {**found, "vm_hwm_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            "commit": original.commit_of(chosen.checkout)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkout", required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--runs", type=int, default=11)
    chosen = parser.parse_args()
    try:
        print(json.dumps(asyncio.run(measure(chosen))))
    except original.Missing as reason:
        print(f"original_queue: not measured: {reason}", file=sys.stderr)
        return 69
    return 0


if __name__ == "__main__":
    sys.exit(main())
