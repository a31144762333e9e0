"""Runs the unit tests against each mutant, and tells which share of them they find.

    hunting.py TESTS DEPENDENCIES [NAME...]

TESTS is the built program of all tests, DEPENDENCIES what `swift package describe --type json` prints.
A mutant is found when a test fails, crashes, or does not come to its end. First the tests of its module
are run, and where it survives those of the modules that use it.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict

import planting

WANTED_SHARE = 0.9


class Hunt:
    def __init__(self, program, description):
        self.program = program
        targets = {target["name"]: target for target in description["targets"]}
        self.uses = {name: set(target.get("target_dependencies", []))
                     for name, target in targets.items()}
        self.tests = [name.removesuffix("Tests") for name, target in targets.items()
                      if target["type"] == "test"]
        # By module: how long its tests take, and the files of those that fail without a mutant, too.
        self.known = {}

    def modules_above(self, module):
        """Those that use a module, directly or not, the nearest first."""
        found, waiting = [], [module]
        while waiting:
            current = waiting.pop(0)
            for name in self.tests:
                if current in self.uses.get(name, ()) and name not in found:
                    found.append(name)
                    waiting.append(name)
        return found

    def find(self, mutant):
        """What found the mutant, in words; None where nothing did."""
        own = [mutant.module] if mutant.module in self.tests else []
        for module in own + self.modules_above(mutant.module):
            if finding := self.find_by(module, mutant):
                return f"{module}: {finding}"
        return None

    def find_by(self, module, mutant):
        """What found the mutant among the tests of a module."""
        seconds, failing = self.baseline(module)
        limit, skipped = 60 + 5 * seconds, set(failing)
        for _ in range(5):
            finding, _, files = self.run(tests_of(module), mutant.name, skipped, limit)
            if not finding or not files:
                return finding
            # A test that fails now and then, under load, must neither pass for one that finds the mutant nor
            # keep the others from it: a run ends with its first failure.
            if confirmed := self.run(tests_in(module, files), mutant.name, skipped, limit)[0]:
                return confirmed
            print(f"warning: failed once and not again: {finding}", file=sys.stderr)
            skipped |= files
        return None

    def baseline(self, module):
        if module not in self.known:
            failing = set()
            for _ in range(3):
                finding, seconds, failures = self.run(tests_of(module), None, failing, 1800)
                if not finding:
                    break
                print(f"warning: without a mutant, {module} fails: {finding}", file=sys.stderr)
                failing |= failures
            else:
                sys.exit(f"the tests of {module} fail without a mutant; see above")
            self.known[module] = (seconds, failing)
        return self.known[module]

    def run(self, tests, name, skipped, limit_seconds):
        """Runs tests: what failed, how long that took, and the files of what failed. With a mutant, only
        up to the first failure."""
        command = [self.program, "--testing-library", "swift-testing", "--filter", tests]
        for test in skipped:
            command += ["--skip", re.escape(test)]
        environment = {k: v for k, v in os.environ.items() if k != "VARVE_MUTANT"}
        if name:
            environment["VARVE_MUTANT"] = name
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
            environment["TMPDIR"] = directory
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, start_new_session=True, text=True, errors="replace")
            signal.signal(signal.SIGALRM, lambda *_: kill(process))
            signal.alarm(int(limit_seconds))
            failures, first = set(), None
            for line in map(plain, process.stdout):
                if match := re.search(r"✘ Test (.+?) recorded an issue.*?at (\S+?):\d+:\d+: (.*)", line):
                    first = first or f"{match[1]} ({match[2]}): {match[3][:100]}"
                    failures.add(match[2])
                    if name:
                        kill(process)
            status = process.wait()
            signal.alarm(0)
            kill(process)
            detach_loops(directory)
        seconds = time.monotonic() - begun
        if first:
            return first, seconds, failures
        if seconds >= int(limit_seconds):
            return f"no end within {int(limit_seconds)} s", seconds, failures
        return (f"ended with {status}" if status else None), seconds, failures


def tests_of(module):
    return rf"^{module}Tests\."


def tests_in(module, files):
    return rf"^{module}Tests\..*({'|'.join(re.escape(file) for file in files)})"


def plain(line):
    """Without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


def kill(process):
    """Also what the tests started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def detach_loops(directory):
    """Loop devices of tests that were ended."""
    listed = subprocess.run(
        ["losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE"],
        capture_output=True, text=True, check=False)
    for line in listed.stdout.splitlines():
        device, _, file = line.partition(" ")
        if file.strip().startswith(f"{directory}/"):
            subprocess.run(["losetup", "--detach", device], check=False)


def main(program, description, names):
    mutants = planting.read_mutants()
    unknown = set(names) - {mutant.name for mutant in mutants} - {m.module for m in mutants}
    if unknown:
        sys.exit(f"there is no mutant or module {', '.join(sorted(unknown))}")
    with open(description, encoding="utf-8") as file:
        hunt = Hunt(program, json.load(file))
    results = defaultdict(list)
    for mutant in mutants:
        if names and mutant.name not in names and mutant.module not in names:
            continue
        finding = hunt.find(mutant)
        results[mutant.module].append((mutant, finding))
        print(f"{mutant.name}: {finding or 'SURVIVED'}", flush=True)
    sys.exit(report(results))


def report(results):
    """Prints the share found by module, and the survivors. 0 where enough was found."""
    print(f"\n{'MODULE':<20}FOUND")
    for module, outcomes in sorted(results.items()):
        found = sum(finding is not None for _, finding in outcomes)
        print(f"{module:<20}{found} of {len(outcomes)} ({100 * found // len(outcomes)} %)")
    total = [outcome for outcomes in results.values() for outcome in outcomes]
    found = sum(finding is not None for _, finding in total)
    print(f"{'all':<20}{found} of {len(total)}")
    status = 0
    for module, outcomes in sorted(results.items()):
        survivors = [mutant for mutant, finding in outcomes if finding is None]
        for mutant in survivors:
            print(f"\n{mutant.name} survived: {mutant.words}")
            print(f"  {mutant.survives or 'not explained: write the test that finds it'}")
        allowed = len(outcomes) * (1 - WANTED_SHARE)
        if len(survivors) > allowed or any(mutant.survives is None for mutant in survivors):
            status = 1
    return status


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
