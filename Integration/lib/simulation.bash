# Builds the simulator of Tests/GarbageCollectionTests/Simulation with optimisation, and runs it.

# build_simulation SOURCES SCRATCH: sets `simulation`. Without optimisation a schedule takes some 30
# times as long.
build_simulation() {
  local options=(
    -c release --build-tests -Xswiftc -enable-testing --package-path "$1" --scratch-path "$2"
  )
  say "Building the simulator; that takes some minutes the first time."
  quietly swift build "${options[@]}"
  simulation=$(swift build "${options[@]}" --show-bin-path)/varvePackageTests.xctest
}

# run_simulation TEST: with VARVE_SCHEDULES and VARVE_SEED as they are set.
run_simulation() {
  "$simulation" --testing-library swift-testing --filter "GarbageCollectionTests.SimulationTests/$1"
}
