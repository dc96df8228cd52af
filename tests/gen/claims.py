"""What the compiler claims of queries, through the door that users have: `holdfast gen describe FILE... --json`."""

import json
import os
import subprocess

import compiler

PER_FILE = 400


class Claim:
    """Of one query: per result column whether it is never NULL and the rule; the names of its parameters that may be."""

    def __init__(self, described):
        self.name = described["name"]
        self.columns = [(not column["nullable"], column["rule"]) for column in described["columns"]]
        self.nullable_params = {param["name"] for param in described["params"] if param["nullable"]}
        self.marks = "".join("!" if sure else "?" for sure, _ in self.columns)
        self.sure = {i for i, (sure, _) in enumerate(self.columns) if sure}


def of_files(url, paths, tolerant=False, **environment):
    """The claims of annotated query files on the database `url`, in order; tolerant: of those that it accepts."""
    done = subprocess.run([compiler.GEN, "describe", *map(str, paths), "-d", url, "--json"], capture_output=True,
                          timeout=600, check=False, stdin=subprocess.DEVNULL, env={**os.environ, **environment})
    assert done.returncode == 0 or (tolerant and done.returncode == 1), done.stderr.decode(errors="replace")[-4000:]
    return [Claim(described) for described in json.loads(done.stdout)]


def of_one_row(tmp_path, url, statements):
    """The numbers of those bare statements that are proven to give one row at most."""
    paths, several = [], set()
    for at in range(0, len(statements), PER_FILE):
        paths.append(tmp_path / f"rows_{at}.sql")
        paths[-1].write_text("".join(f"-- name: q{i} :one\n{text};\n" for i, text in enumerate(statements[at : at + PER_FILE], at)))
    done = subprocess.run([compiler.GEN, "describe", *map(str, paths), "-d", url, "--json"], capture_output=True,
                          timeout=600, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 or not statements, done.stderr.decode(errors="replace")[-4000:]
    for finding in compiler.findings(done.stderr.decode()):
        if finding.message.endswith(("[many-rows]", "too deep to be looked at")) or "needs rows" in finding.message:
            several.add(int(finding.query.split(" ")[0][1:]))
    return set(range(len(statements))) - several


def of_statements(tmp_path, url, statements, tolerant=False):
    """The same for bare statements; tolerant: None for one that is not accepted."""
    if not statements:
        return []
    paths = []
    for at in range(0, len(statements), PER_FILE):
        paths.append(tmp_path / f"part_{at}.sql")
        paths[-1].write_text("".join(f"-- name: q{i} :many\n{text};\n" for i, text in enumerate(statements[at : at + PER_FILE], at)))
    described = {claim.name: claim for claim in of_files(url, paths, tolerant)}
    assert tolerant or len(described) == len(statements)
    return [described.get(f"q{i}") for i in range(len(statements))]
