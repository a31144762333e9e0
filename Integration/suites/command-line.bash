# The command line itself: help, versions, mistakes.

subcommands=(init backup revisions show diff restore verify serve clients run attach detach
  mount umount prune policy forget protect unprotect key index config tag overlay completion rename-job)

test_help_of_every_subcommand() {
  local subcommand
  for subcommand in "${subcommands[@]}"; do
    expect_exit 0 "$varve" "$subcommand" --help
    expect_output "usage: varve $subcommand"
    expect_exit 0 "$varve" help "$subcommand"
  done
  expect_exit 0 "$varve" --help
  for subcommand in "${subcommands[@]}"; do expect_output "^ +${subcommand}[ ,]"; done
}

test_version_is_one_line() {
  expect_exit 0 "$varve" --version
  expect_equal "$(wc -l <<<"$output")" 1 "lines of --version"
  expect_output '[0-9]+\.[0-9]+'
}

test_wrong_command_lines_exit_with_2_and_change_nothing() {
  local mistake
  while read -r mistake; do
    # shellcheck disable=SC2086 # words are meant to be split
    expect_exit 2 "$varve" $mistake
    [[ ! -e $VARVE_REPOSITORY ]] || fail "'varve $mistake' made a repository"
  done <<'MISTAKES'
frobnicate
init --chunk-size 100KiB
init --chunk-size 8MiB
init --compression lzw
init --encrypt nonsense
init --no-such-option
backup
backup web01
restore
restore web01@latest
show
diff web01@1
verify
serve --listen nonsense
prune --keep-daily 0
policy set
forget
protect
MISTAKES
}

test_options_of_the_repository_stand_before_or_behind_the_command() {
  local elsewhere=$work/elsewhere
  "$varve" init "$elsewhere"
  echo content >disk.raw
  expect_exit 0 "$varve" -r "$elsewhere" backup job disk.raw
  expect_exit 0 "$varve" --json --repository="$elsewhere" tag list
  "$varve" -r "$elsewhere" --json revisions | jq -e 'length == 1'
  "$varve" --json -r "$elsewhere" policy show | jq -e 'length == 0'
  expect_exit 0 "$varve" -r "$elsewhere" run job -- true
}

test_a_mistyped_command_is_refused_and_the_right_one_suggested() {
  expect_exit 2 "$varve" bakup job disk.raw
  expect_output "did you mean 'varve backup'"
  expect_exit 2 "$varve" -r "$work/nowhere" key lst
  expect_output "did you mean 'varve key list'"
  expect_exit 2 "$varve" help nosuch
  expect_output "there is no command 'varve nosuch'"
  expect_exit 0 "$varve" help key list
}

test_what_does_not_exist_is_named() {
  expect_exit 1 "$varve" revisions -r "$work/nowhere"
  expect_output "$work/nowhere"
  "$varve" init
  expect_exit 1 "$varve" backup web01 "$work/no-such-disk"
  expect_output "no-such-disk"
  expect_exit 1 "$varve" show web01@latest
  expect_output web01
  expect_exit 1 "$varve" restore web01@latest out.raw
  [[ ! -e out.raw ]] || fail "a restore of nothing left a file"
}

test_a_volume_in_a_reference_is_never_ignored() {
  "$varve" init
  random_bytes 100000 1 >disk.raw
  "$varve" backup db01 vda=disk.raw vdb=disk.raw
  local command
  for command in "show db01/vdc" "show db01/vdc --json" "diff db01/vdc db01/vda" "restore db01/vdc -" \
    "run db01/vdc -- true" "serve db01/vdc --unix socket"; do
    # shellcheck disable=SC2086 # words are meant to be split
    expect_exit 1 timeout 20 "$varve" $command
    expect_output "no volume 'vdc'; it has vda, vdb"
  done
  for command in "tag add db01/vda x" "tag remove db01/vda x" "protect db01/vda" "forget db01/vda" \
    "verify db01/vda" "distrust db01/vda"; do
    # shellcheck disable=SC2086 # words are meant to be split
    expect_exit 2 "$varve" $command
    expect_output "'db01/vda' names a volume"
  done
  "$varve" show db01/vdb --json | jq -e '.sizeBytes == 100000 and [.volumes[].name] == ["vdb"]'
  expect_exit 0 "$varve" show db01/vdb
  ! grep '^vda' <<<"$output" || fail "only vdb was asked for"
}

test_the_repository_is_found_by_option_then_environment_then_directory() {
  local elsewhere=$work/elsewhere here=$work/here
  "$varve" init "$elsewhere"
  "$varve" init -r "$here"
  echo content >disk.raw
  "$varve" backup -r "$elsewhere" job-of-option disk.raw
  VARVE_REPOSITORY=$elsewhere "$varve" revisions --json job-of-option | jq -e 'length == 1'
  cd "$here"
  unset VARVE_REPOSITORY
  "$varve" backup job-of-directory "$work/disk.raw"
  "$varve" revisions -r "$here" --json | jq -e 'length == 1'
  VARVE_REPOSITORY=$here "$varve" revisions -r "$elsewhere" --json job-of-directory |
    jq -e 'length == 0' || expect_exit 1 "$varve" show -r "$elsewhere" job-of-directory@latest
}

test_a_second_init_is_refused() {
  "$varve" init
  echo content >disk.raw
  "$varve" backup job disk.raw
  expect_exit 1 "$varve" init
  expect_equal "$(count_revisions)" 1
}

test_json_is_one_document_and_nothing_else_on_standard_output() {
  "$varve" init
  echo content >disk.raw
  "$varve" backup --json job disk.raw 2>/dev/null | jq -es 'length == 1 and (.[0] | type) == "object"'
  "$varve" backup --json job disk.raw 2>/dev/null | jq -es 'length == 1'
  "$varve" revisions --json 2>/dev/null | jq -es 'length == 1 and (.[0] | length) == 2'
  "$varve" show --json job@latest 2>/dev/null | jq -es 'length == 1 and (.[0] | type) == "object"'
  "$varve" diff --json job@1 job@0 2>/dev/null | jq -es 'length == 1'
  "$varve" verify --json job@latest 2>/dev/null | jq -es 'length == 1 and (.[0] | type) == "object"'
}

# expect_error CODE STATUS COMMAND...: the command fails with that status, and its only output is one
# document with that code and a message.
expect_error() {
  local code=$1 expected=$2 status=0
  shift 2
  "$@" >document 2>messages || status=$?
  expect_equal "$status" "$expected" "exit status of $*"
  jq -es --arg code "$code" 'length == 1 and .[0].error.code == $code
    and (.[0].error.message | length) > 0 and (.[0].error | has("remedy"))' document ||
    fail "$*: $(cat document)"
  [[ -s messages ]] || fail "$* says nothing to people"
}

test_json_after_a_failure_is_a_document_that_says_what_kind() {
  expect_error not-a-repository 1 "$varve" revisions --json
  "$varve" init
  echo content >disk.raw
  "$varve" backup job disk.raw
  expect_error not-found 1 "$varve" show --json nobody
  expect_error not-found 1 "$varve" backup --json job no-such-disk
  expect_error usage 2 "$varve" show --json
  expect_error usage 2 "$varve" --json bakup
  expect_error already-exists 1 "$varve" restore --json job@latest disk.raw
  expect_error unconfirmed 1 "$varve" forget --json job@latest
  "$varve" protect job@latest
  expect_error protected 1 "$varve" forget --json --yes job@latest
  "$varve" unprotect job@latest
  expect_error not-found 1 "$varve" pin release --json 0123456789abcdef
  expect_error invalid-request 1 "$varve" forget --json job
  find "$VARVE_REPOSITORY/packs/data" -type f -delete
  expect_error damaged 1 "$varve" restore --json job@latest out.raw
  # A word behind -- is no option of varve.
  status=0
  "$varve" run nobody -- echo --json >document 2>messages || status=$?
  expect_equal "$(cat document)" "" "output of a command without --json"
}

test_revisions_are_chosen_by_every_kind_of_selector() {
  "$varve" init
  local number
  for number in 1 2 3; do
    echo "state $number" >disk.raw
    "$varve" backup job disk.raw --tag "state-$number"
    sleep 1.1 # times are compared to the second below
  done
  local first middle
  first=$("$varve" show --json job@first | jq -er .id)
  middle=$("$varve" show --json job@1 | jq -er .id)
  expect_equal "$("$varve" restore job@first -)" "state 1"
  expect_equal "$("$varve" restore job@2 -)" "state 1"
  expect_equal "$("$varve" restore job@1 -)" "state 2"
  expect_equal "$("$varve" restore job@latest -)" "state 3"
  expect_equal "$("$varve" restore job@tag:state-2 -)" "state 2"
  expect_equal "$("$varve" restore "job@$first" -)" "state 1"
  expect_equal "$("$varve" restore "job@${middle:0:20}" -)" "state 2"
  expect_equal "$("$varve" restore "job@$(date +%Y-%m-%d)" -)" "state 3"
  expect_exit 1 "$varve" restore job@2001-01-01 -
  expect_exit 1 "$varve" restore job@tag:none -
}

test_names_that_users_of_other_programs_type() {
  "$varve" init
  echo content >disk.raw
  "$varve" backup job disk.raw --tag golden
  local name
  for name in revisions list ls snapshots; do
    expect_exit 0 "$varve" "$name" job
    expect_output 'job@0'
    expect_exit 0 "$varve" help "$name"
  done
  expect_exit 0 "$varve" tag ls
  expect_output golden
  expect_exit 0 "$varve" pin ls
  expect_exit 0 "$varve" overlay ls
  # A check of another kind gets this name.
  expect_exit 2 "$varve" check
}

test_today_and_yesterday_are_days_of_the_local_zone() {
  "$varve" init
  # A clock that stands, so that a slow machine changes no day.
  at() { FAKETIME="@$1" TZ=Europe/Berlin faketime -f "@$1" "$varve" "${@:2}"; }
  local time
  for time in '2026-03-28 23:59:30' '2026-03-29 00:00:30' '2026-03-29 23:59:30'; do
    echo "$time" >disk.raw
    TZ=Europe/Berlin at "$time" backup job disk.raw --verify none
  done
  expect_equal "$(at '2026-03-29 23:59:59' restore job@today -)" '2026-03-29 23:59:30'
  expect_equal "$(at '2026-03-29 00:01:00' restore job@yesterday -)" '2026-03-28 23:59:30'
  expect_equal "$(at '2026-03-30 00:00:01' restore job@yesterday -)" '2026-03-29 23:59:30'
  expect_exit 1 at '2026-03-30 00:00:01' show job@today
  expect_output 'no revision of 2026-03-30; the newest is of 2026-03-29 23:59:30'
}

test_a_zone_that_is_none_is_not_taken_for_utc() {
  "$varve" init
  echo content >disk.raw
  "$varve" backup job disk.raw
  local day
  day=$(date --utc +%Y-%m-%d)
  export TZ=Foo/Bar
  local name
  for name in job@today "job@$day" "job@${day}T23:59"; do
    expect_exit 1 "$varve" show "$name"
    expect_output "TZ is 'Foo/Bar', which is not a time zone"
  done
  expect_exit 1 "$varve" distrust --from "$day" --dry-run
  expect_output "TZ is 'Foo/Bar'"
  expect_exit 1 "$varve" prune --keep-daily 1 --dry-run
  expect_output "TZ is 'Foo/Bar'"
  # Where times are only shown, UTC will do; but that is said, once.
  expect_exit 0 "$varve" revisions
  expect_output "warning: times are shown in UTC: the variable TZ is 'Foo/Bar'"
  # The zone is said, or none is needed.
  expect_exit 0 "$varve" show "job@${day}T23:59Z"
  expect_exit 0 "$varve" distrust --from "${day}T00:00Z" --dry-run
  expect_exit 0 "$varve" show job@latest
}

test_a_job_is_verified_by_its_name() {
  "$varve" init
  random_bytes 300000 1 >disk.raw
  "$varve" backup web01 disk.raw --verify none
  random_bytes 300000 2 >disk.raw
  "$varve" backup web01 disk.raw --verify none
  "$varve" backup db01 disk.raw --verify none
  trusts() { "$varve" revisions --json | jq -r 'map("\(.job) \(.trust)") | join(", ")'; }
  expect_exit 0 "$varve" verify web01
  expect_equal "$(trusts)" 'web01 trusted, web01 verified, db01 trusted'
  expect_exit 0 "$varve" verify --job web01
  expect_equal "$(trusts)" 'web01 verified, web01 verified, db01 trusted'
  expect_exit 0 "$varve" verify --job web01 --sample 50% db01
  expect_output 'in 3 revisions'
  expect_exit 1 "$varve" verify --job web02
  expect_output "no job 'web02'"
  expect_exit 2 "$varve" verify --job web01 --all
}

test_tags_can_be_added_and_removed() {
  "$varve" init
  echo content >disk.raw
  "$varve" backup job disk.raw
  expect_exit 0 "$varve" tag add job@latest golden
  "$varve" restore job@tag:golden - >/dev/null
  expect_exit 0 "$varve" tag remove job@latest golden
  expect_exit 1 "$varve" restore job@tag:golden -
}

test_completion_scripts_are_valid_shell() {
  local shell
  for shell in bash zsh fish; do
    "$varve" completion "$shell" >"varve.$shell"
    "$shell" -n "varve.$shell"
    grep -q complete-words "varve.$shell"
  done
}
