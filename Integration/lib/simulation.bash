# Builds the simulator of Tests/GarbageCollectionTests/Simulation with optimisation, and runs it.

# build_simulation SOURCES [SCRATCH]: sets `simulation`, a program. Without optimisation a schedule takes
# some 30 times as long.
build_simulation() {
  local options=(
    -c release --build-tests -Xswiftc -enable-testing
    --package-path "$1" --scratch-path "${2:-$1/.build-simulation}"
  )
  # Both are read by Package.swift: of the other targets nothing is needed.
  export VARVE_TESTS_OF=GarbageCollection VARVE_WARNINGS=error
  say "Building the simulator; that takes some minutes the first time."
  local status=0
  if quietly swift_package build "${options[@]}"; then
    simulation=$(swift_package build "${options[@]}" --show-bin-path)/varvePackageTests.xctest
  else
    status=1
  fi
  unset VARVE_TESTS_OF VARVE_WARNINGS
  return "$status"
}

# run_simulation SCHEDULES TEST [OPTION...]: VARVE_SEED chooses the first, where it is set.
run_simulation() {
  VARVE_SCHEDULES=$1 "$simulation" --testing-library swift-testing \
    --filter "GarbageCollectionTests.SimulationTests/$2" "${@:3}" </dev/null
}

# schedules_in LOG: how many schedules there were in which nothing was lost.
schedules_in() {
  awk '/^[0-9]+ schedules, and nothing was lost$/ { sum += $1 } END { print sum + 0 }' "$1"
}

# test_simulation SCHEDULES: adds its tests to the counts.
test_simulation() {
  step "simulation"
  local directory ran=0
  directory=$(mktemp -d)
  if build_simulation "$project"; then
    run_simulation "$1" "" --xunit-output "$directory/simulation.xml" >"$directory/log" 2>&1 ||
      show_unit_failures "$directory/log" $?
    count_unit_tests "$directory/simulation.xml"
    ran=$(schedules_in "$directory/log")
  fi
  if ((ran == $1)); then
    printf '  %d schedules, and nothing was lost\n' "$ran"
  else
    failed=$((failed + 1))
    printf '  %sFAILED%s   %d of %d schedules came to their end\n' "$red" "$plain" "$ran" "$1"
  fi
  rm -r "$directory"
}
