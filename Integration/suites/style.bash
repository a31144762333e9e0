# Formatting, and the scripts' own checks.

test_swift_sources_are_formatted() {
  cd "$project"
  swift format lint --strict --recursive --configuration .swift-format Package.swift Sources Tests \
    Integration/fuzzing
}

# Only compiled: to be linked it wants libFuzzer, for which everything is built anew.
test_fuzzer_compiles() {
  cd "$project"
  VARVE_FUZZ=1 VARVE_WARNINGS=error quietly swift_package build --target FuzzNBDProtocol
}

test_shellcheck_finds_nothing_in_the_scripts() {
  cd "$project"
  local scripts=()
  mapfile -t scripts < <(shell_scripts)
  expect_at_least "${#scripts[@]}" 20 "number of scripts found"
  shellcheck "${scripts[@]}"
}

shell_scripts() {
  grep --recursive --files-with-matches --extended-regexp '^#!/usr/bin/env bash' \
    .ci Integration Fixtures
  find Integration -name '*.bash'
}

# tidy DIRECTORY
tidy() {
  swift_package package --package-path "$1" describe --type json >package.json
  python3 "$project/Integration/lib/tidy.py" "$1" package.json
}

test_the_house_is_tidy() {
  tidy "$project"
}

test_an_untidy_house_is_told() {
  mkdir copy
  cp -a "$project/Package.swift" "$project/Sources" "$project/Tests" copy/
  sed -i 's/library("Retention", uses: \["CalendarTime", /library("Retention", uses: ["Inspection", /' \
    copy/Package.swift
  printf '%s\n' 'import ArgumentParser' 'func speak() {' '  setenv("TZ", "UTC", 1)' '  print("done")' \
    '  exit(1)' '}' >copy/Sources/Workers/Untidy.swift
  cat >copy/Sources/LocalObjects/Words.swift <<'END'
// --in-a-comment
let ours = ["run 'varve " + "gc'", "add --yes"]
let others = ["see 'mount --bind'", "'psktool -u x --pskfile y' makes one"]
END
  printf '\n%.0s' {1..400} >>copy/Sources/Workers/Untidy.swift
  expect_exit 1 tidy copy
  local text
  for text in "import ArgumentParser" "print" "exit" "setenv" "406 lines"; do
    expect_output "Sources/Workers/Untidy.swift: $text"
  done
  expect_output "Sources/LocalObjects/Words.swift: names varve gc, which is the command line's"
  expect_output "Sources/LocalObjects/Words.swift: names --yes, which is the command line's"
  expect_equal "$(grep --count 'Words.swift' <<<"$output")" 2 "texts that name the command line"
  expect_output "Retention uses Inspection, which is below it"
  expect_output "Retention uses Inspection, and no file of it imports that"
  expect_output "Retention imports CalendarTime and does not declare that it uses it"
}

test_a_unit_test_that_hangs_is_named() {
  printf '%s\n' '◇ Test "hangs" started.' '◇ Test quick() started.' '◇ Test many(_:) started.' \
    '✔ Test quick() passed after 0.1 seconds.' '✘ Test many(_:) with 3 test cases failed after 1 seconds.' >log
  expect_equal "$(python3 "$integration/lib/unfinished-tests.py" log)" '  "hangs"'
}

# 55 minutes for everything.
test_every_suite_has_a_budget() {
  # shellcheck source=../lib/budgets.bash
  source "$integration/lib/budgets.bash"
  local part sum=0
  for part in build unit simulation $(basename --suffix .bash --multiple "$integration"/suites/*.bash); do
    expect_at_least "$(budget_of "$part")" 1 "seconds for $part"
    sum=$((sum + $(budget_of "$part")))
  done
  expect_at_most "$sum" $((55 * 60)) "seconds for everything"
}

test_a_suite_over_its_budget_is_told() {
  integration=$PWD red="" plain="" failed=0
  # shellcheck source=../lib/budgets.bash
  source "$project/Integration/lib/budgets.bash"
  mkdir lib
  echo "slow 10" >lib/budgets
  expect_equal "$(check_budget slow 10)" "  10 s of 10 s"
  expect_equal "$(check_budget slow 11)" "  slow took 11 s, its budget is 10 s"
  check_budget slow 140 >text
  expect_equal "$failed" 0 "failed"
  check_budget slow 141 >text
  expect_equal "$failed" 1 "failed"
  check_budget unknown 1 >text
  expect_equal "$failed" 2 "failed"
}

test_python_scripts_compile() {
  local file
  while IFS= read -r -d '' file; do
    python3 -c 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")' "$file"
  done < <(find "$project/Integration" "$project/Fixtures" -name '*.py' -print0)
}

test_nothing_names_a_path_of_the_machine_it_was_written_on() {
  cd "$project"
  expect_exit 1 grep --recursive --line-number --extended-regexp '/(work|home)/[a-z]' \
    --include='*.swift' --include='*.md' --include='*.bash' --include='*.py' --exclude='style.bash' \
    Sources Tests Integration Fixtures
}

# Nothing is built: Integration/mutants does that, and takes an hour.
test_every_mutant_fits_the_sources() {
  expect_exit 0 "$project/Integration/mutants" --check
}

test_a_mutant_that_fits_no_longer_is_named() {
  mkdir copy
  cp -a "$project/Sources" copy/
  sed -i 's/try file.lock(.exclusive)$/try file.lock(.shared)/' \
    copy/Sources/LocalObjects/LocalObjects+Sessions.swift
  expect_exit 1 python3 "$project/Integration/mutation/planting.py" check copy
  expect_output "lockedAfterNaming: the original text occurs 0 times"
}

test_every_mutant_is_planted_in_a_copy() {
  python3 "$project/Integration/mutation/planting.py" plant unit "$project" planted
  local names planted
  names=$("$project/Integration/mutants" --list | sort)
  planted=$(grep --recursive --only-matching --no-filename --perl-regexp \
    'isMutant\("\K\w+' planted/Sources | sort --unique)
  expect_equal "$planted" "$names" "mutants in the copy"
  expect_at_least "$(wc --lines <<<"$names")" 70 "number of mutants"
}
