#!/usr/bin/env python3
"""document-references.py PROJECT DOCUMENT...: what Markdown documents name and is not there.

Looked at, outside of fenced blocks:

- `[words](path)` and `[words](path#heading)`, unless the path is a URL
- ``Sources/...`` and the like in code font: a path of the project
- ``suite: words`` in code font: a test of Integration/suites
- ``SomethingTests`` in code font: a suite or a target of Tests
- double-backtick names, DocC's links to symbols: declared in the sources beside the catalogue
"""

import pathlib
import re
import sys

FENCE = re.compile(r"^\s*```.*?^\s*```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SYMBOL = re.compile(r"``(\w+)``")
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
DECLARATION = r"\b(struct|class|enum|protocol|actor|typealias) {}\b"


def slug(heading):
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


def broken_links(document, text):
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target) or "/" not in target and "." not in target:
            continue
        path, _, anchor = target.partition("#")
        file = document.parent / path if path else document
        if not file.exists():
            yield target
        elif anchor and anchor not in map(slug, HEADING.findall(file.read_text())):
            yield target


def is_test(project, suite, words):
    file = project / "Integration" / "suites" / f"{suite}.bash"
    return file.exists() and f"test_{words.replace(' ', '_')}()" in file.read_text()


def is_swift_suite(project, name):
    found = re.compile(DECLARATION.format(name))
    return (project / "Tests" / name).is_dir() or any(
        found.search(file.read_text()) for file in (project / "Tests").rglob("*.swift"))


def broken_names(project, text):
    for name in CODE.findall(text):
        if re.fullmatch(r"(Sources|Tests|Integration|Fixtures)/[\w+./-]+", name):
            if not (project / name).exists():
                yield name
        elif match := re.fullmatch(r"([a-z-]+): ([\w ]+)", name):
            if not is_test(project, match[1], match[2]):
                yield name
        elif re.fullmatch(r"[A-Z]\w+Tests", name) and not is_swift_suite(project, name):
            yield name


def broken_symbols(document, text):
    target = next((at.parent for at in document.parents if at.suffix == ".docc"), None)
    if target is None:
        return
    sources = "\n".join(file.read_text() for file in target.rglob("*.swift"))
    for name in SYMBOL.findall(text):
        if name != target.name and not re.search(DECLARATION.format(name), sources):
            yield f"``{name}``"


def main(project, documents):
    failed = False
    for document in map(pathlib.Path, documents):
        text = FENCE.sub("", document.read_text())
        for name in (
            *broken_links(document, text), *broken_names(project, text),
            *broken_symbols(document, text),
        ):
            print(f"{document.relative_to(project)}: {name}")
            failed = True
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2:])
