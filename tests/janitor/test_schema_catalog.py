"""The migrations give the schema of the original, name by name, and take it away again."""

import json
import pathlib

import catalog
import pytest

import conftest

RECORDED = pathlib.Path(__file__).resolve().parent.parent / "data" / "janitor" / "schema-catalog.json"


def test_catalog_equals_the_originals(db):
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert catalog.compare(recorded, db.call(catalog.read)) == []
