"""How long the Python original takes to schedule an archive for the first time. Prints one JSON object.

    /usr/bin/python3 bench/original_bulk.py --checkout DIR [--items N] [--durable] [--connection]

Method: fixed seed; N codebases with values, one candidate each with a publish policy, no runs, an empty queue, on a
scratch PostgreSQL (socket, JIT off; --durable: fsync and synchronous commit on, as in production). ANALYZE, then
time the three steps of its schedule command on its own pool, as the command does: read the candidates, map them, add
them in bulk. --connection: on one connection instead, which spares it a reset at each statement.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "parity"))

import asyncpg  # noqa: E402

import fixture  # noqa: E402
import original  # noqa: E402
import scratch  # noqa: E402

SEED = 20240601
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}


def archive(items):
    draw = random.Random(SEED)
    names = [f"package-{n:05d}" for n in range(items)]
    return {
        "codebase": [{"name": n, "value": draw.choice((None, draw.randint(0, 200000)))} for n in names],
        "named_publish_policy": [{"name": "pol", "per_branch_policy": [
            {"role": "main", "mode": "propose", "frequency_days": None}]}],
        "candidate": [{"codebase": n, "suite": "lintian-fixes", "command": "fix-it", "value": draw.randint(1, 100),
                       "success_chance": draw.random(), "publish_policy": "pol"} for n in names]}


async def timed(schedule, conn):
    """Seconds to read the candidates, and for everything; `conn` may be a pool."""
    began = time.monotonic()
    rows = await schedule.iter_candidates_with_publish_policy(conn)
    read = time.monotonic() - began
    todo = [schedule.queue_item_from_candidate_and_publish_policy(r) for r in rows]
    await schedule.bulk_add_to_queue(conn, todo)
    return read, time.monotonic() - began


async def measure(server, checkout, items, single):
    modules = original.Modules(checkout)
    conn = await asyncpg.connect(server.url("original"))
    await modules.state.init_types(conn)
    await fixture.Loader(conn).load(archive(items))
    await conn.execute("ANALYZE")
    load, cpu = os.getloadavg()[0], time.process_time()
    if single:
        read, total = await timed(modules.schedule, conn)
    else:
        async with modules.state.create_pool(server.url("original")) as pool:
            read, total = await timed(modules.schedule, pool)
    cpu = time.process_time() - cpu
    queued = await conn.fetchval("SELECT count(*) FROM queue")
    version = await conn.fetchval("SHOW server_version")
    await conn.close()
    return {"items": items, "queued": queued, "total_s": round(total, 2), "read_s": round(read, 3),
            "client_cpu_s": round(cpu, 2), "load_before": round(load, 2),
            "load_after": round(os.getloadavg()[0], 2), "server": version}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkout", default=os.environ.get("JANITOR_CHECKOUT"))
    parser.add_argument("--items", type=int, default=31700)
    parser.add_argument("--durable", action="store_true")
    parser.add_argument("--connection", action="store_true")
    chosen = parser.parse_args()
    if chosen.durable:
        scratch.SETTINGS.update(DURABLE)
    try:
        original.require(chosen.checkout)
        with scratch.scratch() as server:
            original.load_schema(server, "original", chosen.checkout)
            found = asyncio.run(measure(server, chosen.checkout, chosen.items, chosen.connection))
    except original.Missing as reason:
        print(f"original_bulk: not measured: {reason}", file=sys.stderr)
        return 69
    print(json.dumps({"bench": "original_bulk", "commit": original.commit_of(chosen.checkout), "seed": SEED,
                      "durable": chosen.durable, "pool": not chosen.connection, "machine": platform.machine(),
                      "cpus": os.cpu_count(),
                      "python": platform.python_version(), "settings": scratch.SETTINGS, **found}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
