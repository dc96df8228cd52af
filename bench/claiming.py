"""claim: the C program races pgbench; here its script is made, from the metadata, and the outcome judged."""

import json
import os
import tempfile

from report import TOP, Report, goal, median, ratios
from small import samples

METHOD = ("hf_claim_next() and hf_claim_finish() in 16 threads with a session each, against pgbench -M prepared with 16 sessions "
          "and the same two statements; one server, a fresh queue of 100,000 entries each run, 5 runs of 5 s each in turns; the "
          "ratio is the median of each run against its neighbour")


def _text(query, values):
    """A statement of ours, without its optional parts, with values in place of parameters."""
    with open(os.path.join(TOP, "sql", "meta", "janitor", f"{query}.json"), encoding="utf-8") as meta:
        found = json.load(meta)
    if "variants" in found:
        text, names = found["variants"][0]["text"], found["variants"][0]["params"]
    else:
        text, names = found["text"], [param["name"] for param in found["params"]]
    text = text.replace("\n", " ")
    for number in range(len(names), 0, -1):
        text = text.replace(f"${number}", values[names[number - 1]])
    return text


def _script():
    holder = ":client_id::text"
    claim = _text("claim_next", {"holder": holder, "attempts_max": "5", "lease": "'1 min'"})
    shown = "claimed.fence, claimed.attempt"
    assert shown in claim
    claim = claim.replace(shown, "coalesce(claimed.fence, 0) AS fence, claimed.attempt")  # another was quicker: nothing to finish
    return f"{claim} \\gset\n{_text('claim_finish', {'fence': ':fence', 'holder': holder})};\n"


def claim(build):
    report = Report("claim", build, METHOD)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(_script())
        script.flush()
        found = samples(build, "bench-claim", script.name)
    sides = found["samples"]
    return report.close(
        **found, medians={name: median(values, 0) for name, values in sides.items()},
        goals={"ratio": goal(median(ratios(sides["holdfast_cycles_per_s"], sides["pgbench_cycles_per_s"])), least=0.8)})
