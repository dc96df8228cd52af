"""A store of a test, and the command on it."""

import base64
import json

from command import ok, ok_json, refused, refused_json


class Store:
    """A store of its own, and the command on it."""

    def __init__(self, url):
        self.url = url

    def made(self):
        """It is there, and empty: who reads makes none."""
        self.ok("sweep")
        return self

    def _args(self, args):
        return [*args[:2], "--store", self.url, *args[2:]]

    def ok(self, *args, **options):
        return ok(*self._args(["kv", *args]), **options)

    def json(self, *args, **options):
        return ok_json(*self._args(["kv", *args]), **options)

    def refused(self, code, *args, **options):
        return refused(code, *self._args(["kv", *args]), **options)

    def error(self, code, *args, **options):
        return refused_json(code, *self._args(["kv", *args]), **options)

    def all(self):
        """{key: (value, metadata, does it expire)}, by the bytes."""
        return {raw(row["key"]): (raw(row["value"]), row["metadata"], row["expires"] is not None)
                for row in map(json.loads, self.ok("export").splitlines())}


def raw(form):
    ((kind, text),) = form.items()
    return {"utf8": str.encode, "base64": base64.b64decode, "hex": bytes.fromhex}[kind](text)
