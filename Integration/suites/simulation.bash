# Ten thousand lives of a repository on a simulated file system: several processes at once, crashes,
# full disks, lists that fail. VARVE_SCHEDULES and VARVE_SEED choose others.

source "$integration/lib/output.bash"
source "$integration/lib/simulation.bash"

test_no_schedule_loses_anything() {
  local schedules=${VARVE_SCHEDULES:-10000}
  build_simulation "$project" "$project/.build-simulation"
  if long_tests; then schedules=${VARVE_SCHEDULES:-200000}; fi
  VARVE_SCHEDULES=$schedules run_simulation nothingIsLost
}

test_planted_flaws_are_found() {
  build_simulation "$project" "$project/.build-simulation"
  VARVE_SCHEDULES=${VARVE_SCHEDULES:-10000} run_simulation finds
}
