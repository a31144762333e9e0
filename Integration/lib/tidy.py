#!/usr/bin/env python3
"""tidy.py PROJECT DESCRIPTION: prints what breaks a rule of the house, and exits with 1 where anything does.

DESCRIPTION is the file that `swift package describe --type json` wrote. The rules: a target uses only
targets above it in Package.swift, and exactly those that it imports; only the command line reads arguments,
prints, ends the process, and names its commands and options; nothing changes the environment that others
read; files have at most 400 lines, functions at most 70.
"""

import json
import re
import sys
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 70
IMPORT = re.compile(
    r"^(?:@\w+ )?(?:package |public |internal |private |fileprivate )?import (?:\w+ )??(\w+)$", re.M)
# The command line, and what may be called there only.
COMMAND_LINE = "varve"
FOR_THE_COMMAND_LINE = {
    "import ArgumentParser": re.compile(r"^\s*(?:\w+ )?import ArgumentParser", re.M),
    "print": re.compile(r"(?<![.\w])print\("),
    "exit": re.compile(r"(?<![.\w])(?:Glibc\.)?exit\("),
}
# A text: lines that + joins are one. In it: a command of this program; an option, unless the command line of
# another program has it, as in 'mount --bind'.
TEXT = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
JOINED = re.compile(r'"\s*\+\s*"')
OWN_COMMAND = re.compile(r"'varve [a-z][a-z -]*")
OTHER_COMMAND = re.compile(r"(?<!\w)'(?!varve )[a-z][\w.-]* [^']*'")
OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")
RUNS_PROGRAMS = "ChildProcesses"
FOR_NOBODY = {"setenv, which other threads may be reading": re.compile(r"(?<![.\w])(?:setenv|putenv)\(")}

problems = []


def main(project, description):
    with open(description, encoding="utf-8") as file:
        targets = {target["name"]: target for target in json.load(file)["targets"]}
    manifest = (project / "Package.swift").read_text(encoding="utf-8")
    for name, target in targets.items():
        check_imports(project, name, target, set(targets))
        check_floor(manifest, name, target)
    for path in sorted((project / "Sources").rglob("*.swift")):
        path, text = path.relative_to(project), path.read_text(encoding="utf-8")
        check_file(path, text)
        if (target := targets.get(path.parts[1])) and path.parts[1] != COMMAND_LINE:
            check_texts(path, text, RUNS_PROGRAMS in target.get("target_dependencies", []))
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


def check_imports(project, name, target, ours):
    used = set(target.get("target_dependencies", []))
    declared = used | set(target.get("product_dependencies", []))
    imported = set()
    for path in (project / target["path"]).rglob("*.swift"):
        imported |= set(IMPORT.findall(path.read_text(encoding="utf-8")))
    # Package.swift gives it to all tests.
    declared.discard("TestSupport")
    for module in sorted(declared - imported):
        problems.append(f"Package.swift: {name} uses {module}, and no file of it imports that")
    for module in sorted((imported & ours) - used - {name}):
        problems.append(f"Package.swift: {name} imports {module} and does not declare that it uses it")


def check_floor(manifest, name, target):
    for module in target.get("target_dependencies", []):
        places = [place(manifest, module), place(manifest, name)]
        if target["type"] != "test" and None not in places and places[0] > places[1]:
            problems.append(f"Package.swift: {name} uses {module}, which is below it")


def place(manifest, name):
    found = re.search(rf'(?:[lL]ibrary\(\s*"{name}"|[tT]arget\(\s*name: "{name}")', manifest)
    return found and found.start()


def check_file(path, text):
    module = path.parts[1]
    lines = text.split("\n")
    if len(lines) - 1 > FILE_LINES:
        problems.append(f"{path}: {len(lines) - 1} lines, at most {FILE_LINES} are wanted")
    code = re.sub(r"//.*", "", text)
    forbidden = dict(FOR_NOBODY)
    if module != COMMAND_LINE:
        forbidden |= FOR_THE_COMMAND_LINE
    for word, pattern in forbidden.items():
        if pattern.search(code):
            problems.append(f"{path}: {word}")
    check_functions(path, lines)


def check_texts(path, text, runs_programs):
    code = JOINED.sub("", re.sub(r"^\s*//.*", "", text, flags=re.M))
    for said in TEXT.findall(code):
        found = OWN_COMMAND.search(said) or OPTION.search(OTHER_COMMAND.sub("", said))
        # An argument of a program that the library runs.
        if found and not (runs_programs and found[0] == said):
            problems.append(f"{path}: names {found[0].lstrip(chr(39)).strip()}, which is the command line's")


def has_body(lines, number):
    """Whether a declaration has one that does not end on the same line; a protocol's have none."""
    for line in lines[number:]:
        if line.endswith("{"):
            return True
        if not line or line.endswith("}"):
            return False
    return False


def check_functions(path, lines):
    for number, line in enumerate(lines):
        begin = re.match(r"(\s*)(?:@\w+ |\w+ |\w+\(\w+\) )*(?:func [^ ]|init[?<(])", line)
        if not begin or not has_body(lines, number):
            continue
        # The formatter puts the brace that ends a declaration under its beginning.
        end = next((k for k in range(number + 1, len(lines)) if lines[k] == begin[1] + "}"), number)
        if end - number + 1 > FUNCTION_LINES:
            problems.append(
                f"{path}:{number + 1}: {end - number + 1} lines, at most {FUNCTION_LINES} are wanted")


main(Path(sys.argv[1]), sys.argv[2])
