#!/usr/bin/env python3
"""validate-documents.py SCHEMAS [NAME DOCUMENT]: compares a JSON document with the schema of that name.

SCHEMAS is the directory of all schemas, which refer to each other by file name. Without a document the
schemas themselves are checked: each is a valid schema, and every object in it lists its members, demands
all of them and allows no others. Prints what is wrong, and exits with 1 where anything is.
"""

import json
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore", DeprecationWarning)
from jsonschema import Draft202012Validator, FormatChecker, RefResolver  # noqa: E402


def objects(schema):
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for value in schema.values():
            yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


def faults_of_schemas(schemas):
    for name, schema in schemas.items():
        Draft202012Validator.check_schema(schema)
        if schema.get("$id") != name:
            yield f"{name}: its $id is {schema.get('$id')}"
        for found in objects(schema):
            if found.get("additionalProperties") is not False:
                yield f"{name}: an object allows other members: {list(found['properties'])}"
            if found.get("required") != list(found["properties"]):
                yield f"{name}: an object does not demand all members: {list(found['properties'])}"


def faults_of_document(schemas, name, document):
    schema = schemas[f"{name}.json"]
    validator = Draft202012Validator(
        schema, resolver=RefResolver(f"{name}.json", schema, store=schemas),
        format_checker=FormatChecker())
    for error in validator.iter_errors(document):
        yield f"{name}: {error.json_path}: {error.message}"


def main(directory, name=None, document=None):
    schemas = {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(Path(directory).glob("*.json"))}
    if name is None:
        faults = list(faults_of_schemas(schemas))
    else:
        text = Path(document).read_text(encoding="utf-8")
        faults = list(faults_of_document(schemas, name, json.loads(text)))
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


main(*sys.argv[1:])
