"""holdfast policy: how branches of results leave the platform."""

import json

import pytest

from test_janitor import Janitor


@pytest.fixture
def policies(cluster, db):
    """Three policies, of which a candidate follows one."""
    db.execute("""
        INSERT INTO codebase (name) VALUES ('aa');
        INSERT INTO named_publish_policy VALUES
            ('p1', ARRAY[ROW('main', 'propose', 30)::branch_publish_policy, ROW('debian', 'push', NULL)::branch_publish_policy], 'b'),
            ('p2', '{}', NULL), ('p3', NULL, 'b');
        INSERT INTO candidate (codebase, suite, command, publish_policy) VALUES ('aa', 'fixes', 'x', 'p1');
    """)
    return Janitor(cluster, db)


RULES = [{"role": "main", "mode": "propose", "frequency_days": 30}, {"role": "debian", "mode": "push", "frequency_days": None}]


def stored(policies):
    return policies.db.rows("SELECT name, per_branch_policy::text, rate_limit_bucket FROM named_publish_policy ORDER BY name")


def test_policy_list_is_ordered_filtered_and_paged(policies):
    assert policies.json("policy", "list") == [{"name": "p1", "rate_limit_bucket": "b", "rules": RULES},
                                               {"name": "p2", "rate_limit_bucket": None, "rules": []},
                                               {"name": "p3", "rate_limit_bucket": "b", "rules": None}]
    assert [row["name"] for row in policies.json("policy", "list", "--rate-limit-bucket", "b")] == ["p1", "p3"]
    assert [row["name"] for row in policies.json("policy", "list", "--after", "p1", "--limit", 1, "-q")] == ["p2"]


def test_policy_list_refuses_an_unknown_field(policies):
    assert "unknown field" in policies.refused(2, "policy", "list", "--json=mode")


def test_policy_show_prints_every_field(policies):
    assert policies.json("policy", "show", "p1") == {"name": "p1", "rate_limit_bucket": "b", "rules": RULES, "candidates": 1}
    assert policies.json("policy", "show", "p3") == {"name": "p3", "rate_limit_bucket": "b", "rules": None, "candidates": 0}


def test_policy_show_refuses_an_unknown_name(policies):
    assert policies.refused(3, "policy", "show", "zz") == "error: there is no publish policy zz\n"


def test_policy_set_writes_rules_and_bucket(policies):
    before = stored(policies)
    shown = policies.json("policy", "set", "p1", "main=push", "--dry-run")
    assert (shown["changed"], shown["dry_run"]) == (1, True) and stored(policies) == before
    assert policies.json("policy", "set", "p1", "main=push", "a=b:c=bts:0")["changed"] == 1
    assert stored(policies)[0] == ("p1", '{"(main,push,)","(a=b:c,bts,0)"}', "b")
    assert policies.json("policy", "set", "p1", "main=push", "a=b:c=bts:0")["unchanged"] == 1
    policies.ok("policy", "set", "p1", "main=push", "--rate-limit-bucket", "c")
    policies.ok("policy", "set", "p3", "main=skip", "--no-rate-limit")
    policies.ok("policy", "set", "p4", "main=build-only", "--create", "--rate-limit-bucket", "d")
    assert stored(policies) == [("p1", '{"(main,push,)"}', "c"), ("p2", "{}", None), ("p3", '{"(main,skip,)"}', None),
                                ("p4", '{"(main,build-only,)"}', "d")]


@pytest.mark.parametrize("code, message, args", [
    (2, 'MODE is "propos"', ["p1", "main=propos"]),
    (1, "publish policy p1: role main has two rules", ["p1", "main=push", "main=skip"]),
    (1, "publish policy p1: rule 1 has no role", ["p1", "=push"]),
    (1, "a publish policy needs a name", ["", "main=push"]),
    (2, '"main" is no rule', ["p1", "main"]),
    (2, '"main=push:x" is no rule', ["p1", "main=push:x"]),
    (2, '"main=push:-1" is no rule', ["p1", "main=push:-1"]),
    (2, '"main=push:99999999999" is no rule', ["p1", "main=push:99999999999"]),
    (2, "--rate-limit-bucket and --no-rate-limit exclude each other", ["p1", "main=push", "--rate-limit-bucket=b", "--no-rate-limit"]),
    (5, "there is a publish policy of that name", ["p1", "main=push", "--create"]),
    (2, "missing argument RULE", ["p1"]),
])
def test_policy_set_refuses_bad_rules(policies, code, message, args):
    before = stored(policies)
    assert message in policies.refused(code, "policy", "set", *args)
    assert stored(policies) == before


def test_policy_delete_removes_one(policies):
    assert policies.json("policy", "delete", "p2", "--dry-run")["dry_run"]
    assert policies.json("policy", "delete", "p2")["changed"] == 1
    assert [row[0] for row in stored(policies)] == ["p1", "p3"]


def test_policy_delete_refuses_one_that_is_followed(policies):
    assert policies.refused(1, "policy", "delete", "p1").startswith("error: candidates follow publish policy p1\n")
    assert policies.refused(3, "policy", "delete", "zz") == "error: there is no publish policy zz\n"
    assert len(stored(policies)) == 3


DOCUMENT = {"p1": {"per_branch": {"main": {"mode": "push"}}},
            "p9": {"rate_limit_bucket": "x", "per_branch": {"main": {"mode": "propose", "max_frequency_days": 3}, "debian": {"mode": "skip"}}}}


def test_policy_import_stores_a_configuration(policies, tmp_path):
    path = tmp_path / "policies.json"
    path.write_text(json.dumps(DOCUMENT))
    before = stored(policies)
    assert policies.json("policy", "import", path, "--dry-run")["dry_run"] and stored(policies) == before
    assert policies.json("policy", "import", path) == {"inserted": 1, "updated": 1, "unchanged": 0, "removed": 0, "dry_run": False}
    assert stored(policies)[0] == ("p1", '{"(main,push,)"}', None)
    assert stored(policies)[3] == ("p9", '{"(main,propose,3)","(debian,skip,)"}', "x")
    assert policies.json("policy", "import", "-", "--all", input=json.dumps(DOCUMENT)) == {
        "inserted": 0, "updated": 0, "unchanged": 2, "removed": 2, "dry_run": False}
    assert [row[0] for row in stored(policies)] == ["p1", "p9"]


@pytest.mark.parametrize("document, message", [
    ("{", ":1:1: "), ("[]", "the document is no object of policies"), ('{"p": 1}', "policy p: it is no object"),
    ('{"p": {"per_branch": {}, "x": 1}}', 'policy p: unknown field "x"'), ('{"p": {}}', "policy p: per_branch is no object"),
    ('{"p": {"rate_limit_bucket": 1, "per_branch": {}}}', "policy p: rate_limit_bucket is no text"),
    ('{"p": {"per_branch": {"main": 1}}}', "policy p: role main: it is no object"),
    ('{"p": {"per_branch": {"main": {}}}}', "policy p: role main: it has no mode"),
    ('{"p": {"per_branch": {"main": {"mode": "psh"}}}}', 'publish policy p: "psh" is no publish mode'),
    ('{"p": {"per_branch": {"main": {"mode": "push", "max_frequency_days": -1}}}}', "max_frequency_days is no number of days"),
    ('{"p": {"per_branch": {}}, "p": {"per_branch": {}}}', "duplicate"),
])
def test_policy_import_refuses_bad_files(policies, document, message):
    before = stored(policies)
    assert message in policies.refused(1, "policy", "import", "-", input=document)
    assert stored(policies) == before


def test_policy_import_of_all_keeps_what_is_followed(policies):
    before = stored(policies)
    assert "candidates follow a publish policy that would go" in policies.refused(1, "policy", "import", "-", "--all", input="{}")
    assert stored(policies) == before
