#!/usr/bin/env python3
"""flip-index.py VARVE REPOSITORY INDEX SEED COUNT JOB=FILE...: flips single bits of an index, one at a time.

INDEX is the directory of the repository's index. For each of COUNT bits, half of them in the pages'
headers and tables, one command runs on a copy of the repository whose index has that bit flipped; then a
restore of every JOB. JOB=FILE names the disk that its newest revision must give. Prints a table, and fails
where an answer was wrong, a command failed, was ended by a signal, or took longer than the watchdog allows.
"""

import collections
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys

WATCHDOG_SECONDS = 60
PAGE = 4096


class Failure(Exception):
    pass


class Trial:
    def __init__(self, varve, repository, index, jobs):
        self.varve, self.template, self.index = varve, repository, index
        self.name = os.path.relpath(index, repository)
        self.copy = repository + "-copy"
        self.disks = dict(job.split("=", 1) for job in jobs)
        self.sums = {}
        for job, disk in self.disks.items():
            with open(disk, "rb") as file:
                self.sums[job] = hashlib.sha256(file.read()).hexdigest()
        with open(os.path.join(index, "data.mdb"), "rb") as file:
            self.data = file.read()
        self.prepare(None)
        self.usage = self.run("usage", "--json")

    def run(self, *command):
        environment = dict(os.environ, VARVE_REPOSITORY=self.copy)
        try:
            done = subprocess.run(
                [self.varve, *command], env=environment, capture_output=True,
                timeout=WATCHDOG_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"{command[0]}: did not end") from None
        if done.returncode != 0:
            raise Failure(f"{command[0]}: exit status {done.returncode}: "
                          + done.stderr.decode(errors="replace")[-300:])
        return done.stdout

    def prepare(self, place):
        """A copy whose index has bit `place` flipped, and is at home."""
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(self.template, self.copy)
        path = os.path.join(self.copy, self.name, "data.mdb")
        if place is not None:
            with open(path, "r+b") as file:
                file.seek(place // 8)
                file.write(bytes([self.data[place // 8] ^ 1 << place % 8]))
        status = os.stat(path)
        with open(os.path.join(self.copy, self.name, "home"), "w", encoding="ascii") as home:
            home.write(f"{status.st_dev} {status.st_ino}\n")

    def restore(self):
        for job, expected in self.sums.items():
            if hashlib.sha256(self.run("restore", f"{job}@latest", "-")).hexdigest() != expected:
                raise Failure(f"restore of {job}: wrong bytes")

    def back_up(self):
        for job, disk in self.disks.items():
            self.run("backup", "again", disk, "--verify", "none")
            found = hashlib.sha256(self.run("restore", "again@latest", "-")).hexdigest()
            if found != self.sums[job]:
                raise Failure(f"backup of what {job} holds: wrong bytes")

    def count_usage(self):
        expected, found = json.loads(self.usage), json.loads(self.run("usage", "--json"))
        if expected != found:
            raise Failure(f"usage: {found}")

    def collect(self):
        self.run("gc", "--yes")
        self.run("verify", "--all")

    def commands(self):
        return {
            "restore": self.restore, "backup": self.back_up, "usage": self.count_usage,
            "gc": self.collect, "verify": lambda: self.run("verify", "--all"),
            "index rebuild": lambda: self.run("index", "rebuild"),
            "check-repository --fix": lambda: self.run("check-repository", "--fix"),
        }


def choose(chance, data):
    """A bit: of the first bytes of a page, where most depends on it, or anywhere."""
    if chance.randrange(2):
        return chance.randrange(8 * len(data))
    page = chance.randrange(len(data) // PAGE)
    return 8 * PAGE * page + chance.randrange(8 * 160)


def main():
    varve, repository, index, seed, count, *jobs = sys.argv[1:]
    trial = Trial(varve, os.path.abspath(repository), os.path.abspath(index), jobs)
    chance = random.Random(int(seed))
    table, failures = collections.Counter(), []
    commands = list(trial.commands().items())
    for number in range(int(count)):
        place = choose(chance, trial.data)
        name, command = commands[number % len(commands)]
        try:
            trial.prepare(place)
            command()
            trial.restore()
            table[name] += 1
        except Failure as failure:
            failures.append(f"bit {place % 8} of byte {place // 8} (page {place // 8 // PAGE}), {name}: {failure}")
    shutil.rmtree(trial.copy, ignore_errors=True)
    for name, _ in commands:
        print(f"{name:24}{table[name]:6} right")
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
