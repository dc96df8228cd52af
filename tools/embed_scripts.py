#!/usr/bin/python3
"""Write the Lua scripts of the Redis backend as C arrays with their SHA-1: embed_scripts.py OUT.c NAME.lua...

Comments and indentation stay behind: the server keeps the text. `struct redis_script` is of kv/redis.h.
"""
import hashlib
import os
import sys

from embed import array


def whole(path):
    """The text with `-- include NAME` replaced by that file beside it."""
    with open(path, encoding="ascii") as source:
        lines = source.read().splitlines()
    folder = os.path.dirname(path)
    return "\n".join(whole(os.path.join(folder, line.split()[2])) if line.startswith("-- include ") else line
                     for line in lines)


def stripped(text):
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("--")) + "\n"


def render(paths):
    out = ["/* Made by tools/embed_scripts.py from src/kv/redis. */", '#include "kv/redis.h"', ""]
    for path in paths:
        name = os.path.splitext(os.path.basename(path))[0]
        text = stripped(whole(path)).encode()
        out += [array(f"text_{name}", text), f"const struct redis_script redis_script_{name} = {{",
                f'\t"{name}", "{hashlib.sha1(text).hexdigest()}", {{text_{name}, {len(text)}}},', "};", ""]
    return "\n".join(out)


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="ascii") as out_file:
        out_file.write(render(sys.argv[2:]))
