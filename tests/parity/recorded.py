"""Where recorded answers lie and how they are written: stable bytes, compact text."""

import gzip
import io
import json
import os

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "janitor")


def path(name):
    return os.path.join(FOLDER, name)


def write_json(name, value):
    with open(path(name), "w", encoding="utf-8") as out:
        json.dump(value, out, indent=1, sort_keys=True)
        out.write("\n")


def read_json(name):
    with open(path(name), encoding="utf-8") as text:
        return json.load(text)


def line_of(value):
    """One case as one line; NaN and infinities never appear as bare words."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def write_lines(name, values):
    """gzip'ed JSON lines whose bytes depend on the values alone (no time, no name inside)."""
    raw = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=9, mtime=0) as packed:
        for value in values:
            packed.write(line_of(value).encode() + b"\n")
    with open(path(name), "wb") as out:
        out.write(raw.getvalue())


def read_lines(name):
    with gzip.open(path(name), "rt", encoding="utf-8") as text:
        return [json.loads(line) for line in text]
