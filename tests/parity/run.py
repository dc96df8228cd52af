"""Record the original's answers, or compare the recorded ones with it live.

    /usr/bin/python3 tests/parity/run.py --checkout DIR --record [PART...]
    /usr/bin/python3 tests/parity/run.py --checkout DIR --compare [PART...]
    /usr/bin/python3 tests/parity/run.py --tally

DIR is a checkout of the Python original (default: JANITOR_CHECKOUT); without one the
harness says so and ends with status 69. Status 1: an answer differs.
"""

import argparse
import asyncio
import logging
import os
import sys

import original
import parts
import scratch

NOT_AVAILABLE = 69


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkout", default=os.environ.get("JANITOR_CHECKOUT"))
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--record", action="store_true")
    mode.add_argument("--compare", action="store_true")
    mode.add_argument("--tally", action="store_true", help="how many answers are recorded")
    parser.add_argument("parts", nargs="*", metavar="PART", help="of " + ", ".join(parts.ALL))
    chosen = parser.parse_args()
    unknown = [p for p in chosen.parts if p not in parts.ALL]
    if unknown:
        parser.error(f"unknown part {unknown[0]}: one of {', '.join(parts.ALL)}")
    chosen.parts = chosen.parts or list(parts.ALL)
    return chosen


async def work(chosen, server):
    differences = 0
    for name in chosen.parts:
        part = parts.ALL[name]
        if chosen.record:
            print(f"{name}: {await part.record(server, chosen.checkout)}", flush=True)
            continue
        said, compared = await part.compare(server, chosen.checkout)
        print(f"{name}: {compared} compared, {len(said)} differ", flush=True)
        for line in said[:20]:
            print(f"  {line}")
        differences += len(said)
    return differences


def tally():
    """Every recorded answer is one differential case."""
    total = 0
    for name, part in parts.ALL.items():
        total += part.recorded()
        print(f"{name}: {part.recorded()} recorded")
    print(f"all: {total} recorded")


def main():
    chosen = arguments()
    if chosen.tally:
        return tally()
    logging.disable(logging.CRITICAL)
    try:
        original.require(chosen.checkout)
        with scratch.scratch() as server:
            original.load_schema(server, parts.TEMPLATE, chosen.checkout)
            return 1 if asyncio.run(work(chosen, server)) else 0
    except original.Missing as reason:
        print(f"parity: SKIPPED, nothing was compared: {reason}", file=sys.stderr)
        return NOT_AVAILABLE


if __name__ == "__main__":
    sys.exit(main())
