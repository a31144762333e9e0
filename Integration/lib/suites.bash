# Finds and runs the integration tests: the functions `test_…` in Integration/suites/*.bash.

# A test that takes longer has hung; the longest here takes a quarter of that.
readonly test_deadline_seconds=400

passed=0 failed=0 skipped=0

suite_names() {
  local file
  for file in "$integration"/suites/*.bash; do basename "$file" .bash; done
}

# tests_of SUITE: its test functions, in the order in which they stand.
tests_of() { grep -oE '^test_[A-Za-z0-9_]+' "$integration/suites/$1.bash"; }

run_suite() {
  local suite=$1 function
  step "$suite"
  while read -r function; do
    run_one_test "$suite" "$function" </dev/null
  done < <(tests_of "$suite")
}

# run_one_test SUITE FUNCTION: counts it, and shows its output when it failed.
run_one_test() {
  local suite=$1 function=$2 log name status=0 started=$EPOCHREALTIME
  log=$(mktemp)
  name=${function#test_}
  timeout --kill-after=20 "$test_deadline_seconds" \
    "$integration/lib/run-test" "$suite" "$function" >"$log" 2>&1 || status=$?
  local seconds
  seconds=$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f s", b - a }')
  case $status in
    0)
      passed=$((passed + 1))
      printf '  %sok%s       %s (%s)\n' "$green" "$plain" "${name//_/ }" "$seconds"
      ;;
    77)
      skipped=$((skipped + 1))
      printf '  %sskipped%s  %s: %s\n' "$yellow" "$plain" "${name//_/ }" \
        "$(sed -n 's/^skipped: //p' "$log" | tail -n 1)"
      ;;
    *)
      failed=$((failed + 1))
      printf '  %sFAILED%s   %s (%s, status %d)\n' "$red" "$plain" "${name//_/ }" "$seconds" "$status"
      tail -n 60 "$log" | sed 's/^/           | /'
      ;;
  esac
  rm -f "$log"
}
