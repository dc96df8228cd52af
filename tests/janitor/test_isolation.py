"""Interleavings: what concurrent sessions see, step by step, by PostgreSQL's own isolationtester.

isolation/NAME.spec has the sessions and permutations, isolation/NAME.out what they answer. Statements are those of
sql/queries, taken from the metadata, so that what is proven here is what the library sends. HOLDFAST_TEST_RENEW=1
writes the .out files anew.
"""

import glob
import json
import os
import pathlib
import string
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
META = HERE.parents[1] / "sql" / "meta" / "janitor"
SPECS = sorted(path.stem for path in (HERE / "isolation").glob("*.spec"))


class Statements:
    """Name of a query -> the text that is sent, without its optional parts."""

    def __getitem__(self, name):
        meta = json.loads((META / f"{name}.json").read_text())
        return meta.get("variants", [meta])[0]["text"]


def isolationtester():
    found = sorted(glob.glob("/usr/lib/postgresql/*/lib/pgxs/src/test/isolation/isolationtester"))
    assert found, "isolationtester is missing: install postgresql-server-dev-15"
    return found[-1]


def test_there_are_specs():
    assert SPECS


@pytest.mark.parametrize("name", SPECS)
def test_sessions_see(name, cluster, db):
    spec = string.Template((HERE / "isolation" / f"{name}.spec").read_text()).substitute(Statements())
    done = subprocess.run([isolationtester(), f"host={cluster.server.dir} user={cluster.server.user} dbname={db.name}"], input=spec,
                          capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    expected = HERE / "isolation" / f"{name}.out"
    if os.environ.get("HOLDFAST_TEST_RENEW"):
        expected.write_text(done.stdout)
    assert done.stdout == expected.read_text()
