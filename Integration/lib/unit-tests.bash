# Builds with warnings as errors, runs the unit tests, and adds them to the counts.

# Longer than they ever take: a test that hangs is a failure, with a name.
unit_deadline_seconds=2400

run_unit_tests() {
  step "unit"
  local directory options=(--build-tests --package-path "$project") tests
  directory=$(mktemp -d)
  # Read by Package.swift. Only our targets are held to it: the packages that we use are not ours.
  export VARVE_WARNINGS=error
  # Replays a crash after every operation, rather than after a sample of them.
  export VARVE_CRASH_SEEDS=2
  if quietly swift_package build "${options[@]}"; then
    tests=$(swift_package build "${options[@]}" --show-bin-path)/varvePackageTests.xctest
    mkdir "$directory/temporary"
    # Planted flaws are the suite `simulation`'s.
    TMPDIR=$directory/temporary timeout --foreground --kill-after=20 "$unit_deadline_seconds" \
      "$tests" --testing-library swift-testing --skip SimulationTests/finds \
      --xunit-output "$directory/unit.xml" >"$directory/log" 2>&1 </dev/null ||
      show_unit_failures "$directory/log" $?
    count_unit_tests "$directory/unit.xml"
  else
    failed=$((failed + 1))
    printf '  %sFAILED%s   the build\n' "$red" "$plain"
  fi
  unset VARVE_WARNINGS VARVE_CRASH_SEEDS
  rm -r "$directory"
}

# count_unit_tests REPORT: a run that crashed leaves none, and that is a failure.
count_unit_tests() {
  local all bad left_out
  if read -r all bad left_out < <(python3 "$integration/lib/unit-test-counts.py" "$1"); then
    passed=$((passed + all - bad - left_out))
    failed=$((failed + bad))
    skipped=$((skipped + left_out))
    printf '  %d unit tests: %d failed, %d skipped\n' "$all" "$bad" "$left_out"
  else
    failed=$((failed + 1))
    printf '  %sFAILED%s   the tests ended without a report\n' "$red" "$plain"
  fi
}

# show_unit_failures LOG STATUS: of some thousand lines those that say what failed, and the last ones,
# which say where it ended if it crashed; after the deadline also the tests that were running.
show_unit_failures() {
  grep -E '✘|↳|error:|Fatal|Crash' "$1" >&2 || true
  tail -n 20 "$1" >&2
  if (($2 == 124 || $2 == 137)); then
    printf 'The tests did not end in time. These had not ended:\n' >&2
    python3 "$integration/lib/unfinished-tests.py" "$1" >&2
  fi
}
