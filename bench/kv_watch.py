"""kv_watch: what a change feed costs those who write, and what reads from memory save."""

from report import Report, goal, median, ratios
from small import samples
from kv_store import ROWS, SERVER, store

METHOD = ("durable hf_kv_put() of random keys, and hf_kv_put_many() of 1,000, by N threads with a connection each: without a feed, "
          "with one, and with one that a thread follows; hf_kv_get() of 1,000 keys from the store and from memory; slices of "
          f"0.25 s in turns on {SERVER}; ratios are medians of each run against its neighbour")
THREADS = (1, 16)


def kv_watch(build):
    report = Report("kv_watch", build, METHOD)
    found, medians, goals = {}, {}, {}
    with store(build, plain=False) as (server, url):
        for threads in THREADS:
            sides = samples(build, "bench-kv-watch", url, ROWS, threads, 7)["samples"]
            found[threads] = sides
            medians[threads] = {name: median(values, 0) for name, values in sides.items()}
            for verb in ("put", "batch"):
                for state in ("on", "watched"):
                    goals[f"{verb}_{state}_{threads}"] = goal(
                        median(ratios(sides[f"{verb}_{state}"], sides[f"{verb}_off"])), least=0.7)
            goals[f"memory_{threads}"] = goal(median(ratios(sides["get_memory"], sides["get_store"])), least=10)
        settings = server.settings()
    return report.close(rows=ROWS, server=settings, samples=found, medians=medians, goals=goals)
