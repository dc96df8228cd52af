"""Inputs for the arithmetic that needs no database, and how the original is asked.

One line each, as lists: the first word names the function, the last entry is the
answer. tests/data/janitor/README.md has the columns.
"""

import asyncio
import datetime
import itertools
import random

from calls import MICROSECOND, interval, microseconds
from gen_queue import SEED

ASSERTION = "AssertionError"


def offset_inputs():
    durations = (0, 1, 1500000, 15000000, 2 * 86400 * 10**6 + 999999, -30000000)
    yield from itertools.product(durations, (None, -3, 0, 0.05, 0.1, 1 / 3, 1, 2),
                                 (0, 1e-5, 0.05238095238095239, 0.5, 1, 1.1),
                                 (None, 0, 1, 7, -100, -101), (0, 1), (None, 0.3))
    for us in (300250000, 5416666, 1, 999999, 60000000, 86400000000):
        yield (us, 1 / 3, 0.05238095238095239, 7, 2, None)
    draw = random.Random(f"{SEED}/offset")
    for _ in range(4000):
        us = draw.choice((draw.randrange(10**6), draw.randrange(10**9), draw.randrange(10**13)))
        total = draw.choice((0, draw.randrange(1, 40)))
        p = (draw.randint(0, total) * 10 + 1) / (total * 10 + 1) * draw.choice((0.1, 0.5, 1.0))
        yield (us, draw.choice((None, draw.random(), draw.uniform(-1, 3), 1.0)), p,
               draw.choice((None, draw.randrange(1, 2000), draw.uniform(0.001, 50), 2147483647)), total,
               draw.choice((None, draw.random())))


def mean_inputs():
    yield from ([6766305, 406], [26001489982, 215487653], [10500000, 333333],
                [87605025922, 3891005, 8777524, 3183652505, 163, 308, 843], [0], [1], [1, 2], [0, 1])
    draw = random.Random(f"{SEED}/mean")
    for _ in range(10500):
        top = draw.choice((10, 10**3, 10**6, 10**8, 10**10, 10**12))
        length = draw.choice((1, 2, 2, 3, 3, 4, 5, 7, 11, draw.randrange(12, 30)))
        yield [draw.randrange(draw.choice((top, top, 1000))) for _ in range(length)]


def interval_inputs():
    yield from (5e-7, 1.5e-6, 2.5e-6, 7.5e-7, 1.0000005, 5.4166665, 0.30000000000000004, 0.0, -0.0, 3.5e-6, -1.5e-6,
                -2.5e-6, -0.5, -1.0000005, 86399.9999995, 86399.9999999999, 1e8 + 0.5e-6, 999999999.9999995)
    draw = random.Random(f"{SEED}/interval")
    for _ in range(3000):
        yield draw.choice((draw.random(), draw.uniform(-5, 5), draw.uniform(0, 10**6), draw.uniform(0, 10**10),
                           draw.randrange(10**9) / 10**6 + 5e-7, draw.randrange(10**12) / 2 * 10**-6))


def probability_inputs():
    """(context, [[result code, instigated context, context], ...])"""
    draw = random.Random(f"{SEED}/probability")
    for context, count in itertools.product((None, "", "a", "b"), (1, 2, 3, 7, 10, 31)):
        for _ in range(12):
            yield context, [[draw.choice(("success", "build-failed")), draw.choice((None, "a", "")),
                             draw.choice((None, None, "a"))] for _ in range(count)]


def texts(purpose, alphabet, count, longest):
    draw = random.Random(f"{SEED}/{purpose}")
    return ["".join(draw.choices(alphabet, k=draw.randint(0, longest))) for _ in range(count)]


def environments(splitout_env, parse_username):
    """Commands with variables before them; committers, as breezy reads them for the original."""
    for command in texts("splitout", " \t'\"\\=aAb1\u00e9#$-  ==''", 1500, 14):
        try:
            env, rest = splitout_env(command)
            yield ["splitout", command, [[name, value] for name, value in env.items()], rest]
        except ValueError as reason:
            yield ["splitout", command, None, str(reason)]
    for committer in texts("committer", "  <>@@ab1.+-[]_\n\t,(\u00e9", 1500, 12):
        yield ["committer", committer, *parse_username(committer)]


class _Rows:
    """A connection that has only the given rows: what the estimate reads of a history."""

    def __init__(self, rows):
        self.rows = rows

    async def fetch(self, *_):
        return self.rows


def _row(code="success", us=1000000, instigated=None, context=None):
    return {"result_code": code, "instigated_context": instigated, "context": context, "failure_details": None,
            "duration": interval(us), "start_time": datetime.datetime(2020, 1, 1)}


def answers(schedule):
    """Every line with the original's answer at its end."""
    for us, normalized, probability, value, runs, chance in offset_inputs():
        try:
            offset = schedule.calculate_offset(
                estimated_duration=interval(us), normalized_codebase_value=normalized,
                estimated_probability_of_success=probability, candidate_value=value,
                total_previous_runs=runs, success_chance=chance)
        except AssertionError:
            offset = ASSERTION
        yield ["offset", us, normalized, probability, value, runs, chance, offset]
    loop = asyncio.new_event_loop()
    for durations in mean_inputs():
        rows = [_row(us=us) for us in durations]
        _, duration, _ = loop.run_until_complete(
            schedule.estimate_success_probability_and_duration(_Rows(rows), "cb", "lintian-fixes", None))
        yield ["mean", durations, microseconds(duration)]
    for context, history in probability_inputs():
        rows = [_row(code, 1000000, instigated, own) for code, instigated, own in history]
        probability, _, total = loop.run_until_complete(
            schedule.estimate_success_probability_and_duration(_Rows(rows), "cb", "lintian-fixes", context))
        yield ["probability", context, history, total, probability]
    loop.close()
    for seconds in interval_inputs():
        yield ["interval", seconds, datetime.timedelta(seconds=seconds) // MICROSECOND]
