# Builds with warnings as errors, runs `swift test`, and adds its tests to the counts.

run_unit_tests() {
  step "unit"
  local report_directory
  report_directory=$(mktemp -d)
  # Read by Package.swift. Only our targets are held to it: the packages that we use are not ours.
  export VARVE_WARNINGS=error
  # Replays a crash after every operation, rather than after a sample of them.
  export VARVE_CRASH_SEEDS=2
  if quietly swift_package build --build-tests --package-path "$project"; then
    # Planted flaws are the suite `simulation`'s.
    swift_package test --skip-build --package-path "$project" --skip SimulationTests/finds \
      --xunit-output "$report_directory/unit.xml" >"$report_directory/log" 2>&1 </dev/null ||
      show_unit_failures "$report_directory/log"
    count_unit_tests "$report_directory/unit-swift-testing.xml"
  else
    failed=$((failed + 1))
    printf '  %sFAILED%s   the build\n' "$red" "$plain"
  fi
  unset VARVE_WARNINGS VARVE_CRASH_SEEDS
  rm -r "$report_directory"
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
    printf '  %sFAILED%s   swift test ended without a report\n' "$red" "$plain"
  fi
}

# show_unit_failures LOG: of some thousand lines those that say what failed, and the last ones, which
# say where it ended if it crashed.
show_unit_failures() {
  grep -E '✘|↳|error:|Fatal|Crash' "$1" >&2 || true
  tail -n 20 "$1" >&2
}
