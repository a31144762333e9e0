"""Reads the lists of mutants, and plants them in a copy of the sources.

    mutant NAME Sources/MODULE/…/FILE.swift
    What is wrong with it, in words.
    survives: why no test can tell            (only where that is so)
    --- original
    text that occurs in the file exactly once
    --- mutated
    text in its place, with MUTANT where it asks whether this mutant is switched on
    --- end

Lines that begin with # stand between mutants. VARVE_MUTANT=NAME switches one on.
"""

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

LISTS = Path(__file__).parent
# What is built and tested.
COPIED = ["Package.swift", "Package.resolved", "Sources", "Tests", "Fixtures"]
SWITCH = """import Glibc

private let planted = getenv("VARVE_MUTANT").map { String(cString: $0) }

/// Whether Integration/mutants has switched this mutant on.
func isMutant(_ name: String) -> Bool { planted == name }
"""


class Fault(Exception):
    """Something is wrong with a list, or no longer fits the sources."""


@dataclass
class Mutant:
    name: str
    path: str
    words: str
    survives: str | None
    original: str
    mutated: str

    @property
    def module(self):
        return self.path.split("/")[1]


def read_list(path):
    """The mutants of one list."""
    lines = iter(path.read_text().splitlines())
    found = []
    for line in lines:
        if not line or line.startswith("#"):
            continue
        words = line.split()
        if len(words) != 3 or words[0] != "mutant" or not re.fullmatch(r"\w+", words[1]):
            raise Fault(f"{path}: expected 'mutant NAME FILE', found '{line}'")
        found.append(read_mutant(lines, words[1], words[2]))
    return found


def read_mutant(lines, name, path):
    parts = {"words": []}
    part = "words"
    for line in lines:
        if line == "--- end":
            break
        if line in ("--- original", "--- mutated"):
            part = line.removeprefix("--- ")
            parts[part] = []
        else:
            parts[part].append(line)
    else:
        raise Fault(f"{name}: there is no '--- end'")
    if parts.keys() != {"words", "original", "mutated"}:
        raise Fault(f"{name}: expected an original and a mutated text")
    survives = [w.removeprefix("survives: ") for w in parts["words"] if w.startswith("survives: ")]
    words = " ".join(w for w in parts["words"] if not w.startswith("survives: "))
    mutated = "\n".join(parts["mutated"])
    if "MUTANT" not in mutated:
        raise Fault(f"{name}: the mutated text does not ask for MUTANT")
    mutated = mutated.replace("MUTANT", f'isMutant("{name}")')
    return Mutant(
        name, path, words, survives[0] if survives else None, "\n".join(parts["original"]), mutated)


def read_mutants(simulation=False):
    """All mutants of the unit tests' lists, or those of the simulator's."""
    lists = [p for p in sorted(LISTS.glob("*.mutants")) if (p.stem == "simulation") == simulation]
    mutants = [mutant for path in lists for mutant in read_list(path)]
    names = [mutant.name for mutant in mutants]
    for name in names:
        if names.count(name) > 1:
            raise Fault(f"{name}: the name is taken twice")
    return mutants


def planted_sources(project, mutants):
    """By path: the text of each file with its mutants."""
    texts = {}
    faults = []
    for mutant in mutants:
        try:
            text = texts.get(mutant.path) or (project / mutant.path).read_text()
        except OSError as error:
            faults.append(f"{mutant.name}: {error}")
            continue
        count = text.count(mutant.original)
        if count != 1:
            faults.append(
                f"{mutant.name}: the original text occurs {count} times in {mutant.path}; plant the "
                "mutant again")
            continue
        texts[mutant.path] = text.replace(mutant.original, mutant.mutated)
    if faults:
        raise Fault("\n".join(faults))
    for module in {mutant.module for mutant in mutants}:
        texts[f"Sources/{module}/MutantSwitch.swift"] = SWITCH
    return texts


def plant(project, target, mutants):
    """Brings a copy of the sources with the mutants up to date: files that stay as they are keep their
    times, so that they are not built again."""
    texts = planted_sources(project, mutants)
    wanted = set(texts)
    for top in COPIED:
        source = project / top
        files = [source] if source.is_file() else [p for p in source.rglob("*") if p.is_file()]
        wanted.update(str(file.relative_to(project)) for file in files)
    for path in wanted:
        content = texts[path].encode() if path in texts else (project / path).read_bytes()
        copy = target / path
        if copy.is_file() and copy.read_bytes() == content:
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
        if (project / path).exists():
            shutil.copymode(project / path, copy)
    for top in COPIED:
        for file in (target / top).rglob("*"):
            if file.is_file() and str(file.relative_to(target)) not in wanted:
                file.unlink()


def main(arguments):
    try:
        match arguments:
            case ["check", project]:
                for simulation in (False, True):
                    mutants = read_mutants(simulation)
                    planted_sources(Path(project), mutants)
                    print(f"{len(mutants)} mutants for the {'simulator' if simulation else 'unit tests'}")
            case ["names", which]:
                print("\n".join(mutant.name for mutant in read_mutants(which == "simulation")))
            case ["reason", which, name]:
                print(next((m.survives for m in read_mutants(which == "simulation")
                            if m.name == name and m.survives), ""))
            case ["plant", which, project, target]:
                plant(Path(project), Path(target), read_mutants(which == "simulation"))
            case _:
                sys.exit("usage: planting.py check PROJECT | names LIST | reason LIST NAME | plant LIST PROJECT TARGET")
    except Fault as fault:
        sys.exit(f"{fault}")


if __name__ == "__main__":
    main(sys.argv[1:])
