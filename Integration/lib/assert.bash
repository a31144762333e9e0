# What a test may say. A test is a function `test_…` of a suite; it runs in a process of its own, in
# an empty directory of its own, and fails with the first command that fails.

# The exit status that means "skipped", as in automake and many others.
readonly skipped_status=77

fail() {
  printf 'FAILED: %s\n' "$*"
  exit 1
}

# skip REASON: only for what this machine cannot do at all.
skip() {
  printf 'skipped: %s\n' "$*"
  exit "$skipped_status"
}

# expect_exit STATUS COMMAND...: sets `output` to everything it printed.
expect_exit() {
  local expected=$1 status=0
  shift
  output=$("$@" 2>&1) || status=$?
  ((status == expected)) ||
    fail "exit status $status, not $expected, from: $*"$'\n'"$output"
}

# expect_output PATTERN: the command run by expect_exit printed something like that.
expect_output() {
  grep --quiet --ignore-case --extended-regexp -- "$1" <<<"$output" ||
    fail "nothing like '$1' in:"$'\n'"$output"
}

expect_equal() {
  [[ $1 == "$2" ]] || fail "${3:-value} is '$1', expected '$2'"
}

expect_same_bytes() { cmp -- "$1" "$2" || fail "$1 and $2 differ"; }

expect_at_most() { (($1 <= $2)) || fail "${3:-value} is $1, expected at most $2"; }

expect_at_least() { (($1 >= $2)) || fail "${3:-value} is $1, expected at least $2"; }

# needs_loop, needs_root, needs_fuse: what a test cannot do without.
needs_loop() { can_use_loop || skip "no loop devices here"; }
needs_root() { ((EUID == 0)) || skip "needs root"; }
needs_fuse() { can_use_fuse || skip "no FUSE here"; }

# long_tests: true when `Integration/test --long` asked for more rounds.
long_tests() { [[ -n ${VARVE_LONG_TESTS:-} ]]; }

# listing DIRECTORY: all that is in it but the index, which is a cache: names, inodes, sizes, times.
listing() { find "$1" -name index -prune -o -printf '%P %y %i %s %T@ %C@ %U %G %m\n' | sort; }
