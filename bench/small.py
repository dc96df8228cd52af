"""one_row and pool: the measuring is done by C programs that print samples; here they are judged."""

import json
import os
import subprocess

from report import Report, goal, median, ratios

ONE_ROW = ("queue_item() as generated, against hand-written binary libpq in several forms; one process, a session each, "
           "client and servers pinned to one core, 11 runs of 1 s each, in interleaved slices of 40 ms; ratios are medians of each run "
           "against its neighbour; the baseline of a ratio is the documented form that is best in it")
DOCUMENTED = ("exec", "send", "poll", "epoll")
POOL = ("hf_pool_checkout() and hf_pool_return() on an idle pool, against one poll(2) of an idle socket and two pairs of "
        "an uncontended mutex; one thread pinned to one core, runs interleaved in turning order")


def samples(build, program, *argv):
    done = subprocess.run([os.path.join(build, "bench", program), *map(str, argv)], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def one_row(build):
    report = Report("one_row", build, ONE_ROW)
    found = samples(build, "bench-one-row", 1, 11)
    sides = found["samples"]
    ours = sides["holdfast"]
    medians, compared = {}, {}
    for name, side in sides.items():
        medians[name] = {"ops_per_s": median(side["ops_per_s"], 0), "client_cpu_us": median(side["client_cpu_us"])}
        if name != "holdfast":
            compared[name] = {"ops": median(ratios(ours["ops_per_s"], side["ops_per_s"])),
                              "client_cpu": median(ratios(ours["client_cpu_us"], side["client_cpu_us"]))}
    best = {"ops": min(DOCUMENTED, key=lambda n: compared[n]["ops"]),
            "client_cpu": max(DOCUMENTED, key=lambda n: compared[n]["client_cpu"])}
    return report.close(
        **found, medians=medians, ratios=compared, baseline=best,
        goals={"ops_ratio": goal(compared[best["ops"]]["ops"], least=0.95),
               "client_cpu_ratio": goal(compared[best["client_cpu"]]["client_cpu"], most=1.15)})


def pool(build):
    report = Report("pool", build, POOL)
    found = samples(build, "bench-pool")
    ours, least = found["samples"]["checkout_and_return_ns"], found["samples"]["poll_and_two_mutex_pairs_ns"]
    return report.close(
        **found, medians={name: median(values, 1) for name, values in found["samples"].items()},
        goals={"ratio": goal(median(ratios(ours, least)), most=4.0)})
