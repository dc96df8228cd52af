"""kv_single: one get, one durable put, by as many callers as there are connections; against libpq by hand on the plain table."""

from report import Report, goal, median, ratios
from small import samples
from kv_store import ROWS, SERVER, store

METHOD = ("hf_kv_get() of the value alone, as by hand, and hf_kv_put() of random keys that exist, N threads and N connections, "
          "against the same number of threads with a session each that get and upsert a row of the plain table by hand-written "
          f"libpq (binary, prepared); whole entries against the same get by hand, and a store with `combine` 2, beside; {SERVER}, one process, sides in turns of "
          "0.15 s; ratios are medians of each run against its neighbour")
THREADS = (1, 4, 16, 64)


def kv_single(build):
    report = Report("kv_single", build, METHOD)
    found, medians, entries, combined, goals = {}, {}, {}, {}, {}
    with store(build) as (_, url):
        for threads in THREADS:
            one = samples(build, "bench-kv-single", url, ROWS, threads, 0.75, 3)
            sides = one["samples"]
            found[threads] = one
            medians[threads] = {name: median(values, 0) for name, values in sides.items()}
            entries[threads] = round(median(ratios(sides["entry_holdfast"], sides["entry_libpq"])), 2)
            combined[threads] = {verb: round(median(ratios(sides[f"{verb}_combined"], sides[f"{verb}_libpq"])), 2)
                                 for verb in ("get", "put")}
            for verb in ("get", "put"):
                goals[f"{verb}_{threads}"] = goal(median(ratios(sides[f"{verb}_holdfast"], sides[f"{verb}_libpq"])), least=0.9)
    return report.close(rows=ROWS, server=found[THREADS[0]].pop("server"), samples=found, medians=medians, whole_entries=entries,
                        combined=combined, goals=goals)
