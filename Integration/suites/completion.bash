# Completion in real shells, on a terminal.

readonly shells=(bash zsh fish)

# expect_completed LINE RESULT: noted, and asked of every shell by complete_all; without the program's name.
expect_completed() {
  echo "varve $1" >>lines
  echo "varve $2" >>results
}

complete_all() {
  local shell
  for shell in "${shells[@]}"; do
    # zsh takes the slash behind a directory back when something else is typed.
    python3 "$integration/lib/type-and-complete.py" "$shell" "$work/complete.$shell" <lines |
      sed 's,/$,,' >"completed.$shell"
    diff results "completed.$shell" || fail "$shell completes otherwise"
  done
  rm lines
}

prepare() {
  local shell
  for shell in "${shells[@]}"; do "$varve" completion "$shell" >"$work/complete.$shell"; done
  "$varve" init
  random_bytes 200000 1 >disk.raw
  "$varve" backup web01 disk.raw --tag nightly --verify none
  "$varve" backup db02 vda=disk.raw vdb=disk.raw --verify none
}

test_references_jobs_and_tags() {
  prepare
  expect_completed 'restore web01@la' 'restore web01@latest'
  expect_completed 'show web01@tag:n' 'show web01@tag:nightly'
  local id
  id=$("$varve" show web01 --json | jq -r .id)
  expect_completed "show web01@${id:0:6}" "show web01@${id:0:12}"
  expect_completed "show ${id:0:6}" "show ${id:0:12}"
  expect_completed 'verify --job w' 'verify --job web01'
  expect_completed 'verify --job=w' 'verify --job=web01'
  expect_completed 'tag remove web01 n' 'tag remove web01 nightly'
  expect_completed 'restore db02@latest/vdb' 'restore db02@latest/vdb'
  expect_completed 'revisions db' 'revisions db02'
  # A repository that stands before the command.
  expect_completed "-r $VARVE_REPOSITORY snapshots w" "-r $VARVE_REPOSITORY snapshots web01"
  complete_all
}

test_commands_options_and_files() {
  prepare
  mkdir directory
  expect_completed 'check-rep' 'check-repository'
  expect_completed 'key exp' 'key export'
  expect_completed 'restore --fo' 'restore --force'
  expect_completed 'init --encrypt=pass' 'init --encrypt=passphrase'
  expect_completed 'backup web01 dis' 'backup web01 disk.raw'
  expect_completed 'backup web01 vda=dis' 'backup web01 vda=disk.raw'
  expect_completed 'revisions --repository=dire' 'revisions --repository=directory'
  complete_all
}

test_overlays_pins_and_keys() {
  export VARVE_OVERLAYS=$work/overlays
  prepare
  start_server web01 --overlay mending
  expect_completed 'overlay remove m' 'overlay remove mending'
  expect_completed 'serve --overlay=m' 'serve --overlay=mending'
  local pin
  pin=$("$varve" pin list --json | jq -r '.pins[0].id')
  expect_completed "pin release ${pin:0:3}" "pin release ${pin:0:8}"
  complete_all
}

# A name may hold what a shell would run.
test_names_are_never_run() {
  prepare
  # shellcheck disable=SC2016 # not for this shell
  "$varve" backup 'a$(touch${IFS}ran)' disk.raw --verify none
  # shellcheck disable=SC2016
  expect_completed 'revisions a' 'revisions a$(touch${IFS}ran)'
  complete_all
  [[ ! -e ran ]] || fail "a name was run"
}

# What is possible without a key: ids.
test_an_encrypted_repository_asks_for_nothing() {
  head -c 32 /dev/urandom >key
  local shell id slot
  for shell in "${shells[@]}"; do "$varve" completion "$shell" >"$work/complete.$shell"; done
  "$varve" init --encrypt keyfile --key-file key
  random_bytes 200000 1 >disk.raw
  "$varve" backup --key-file key web01 disk.raw --verify none
  id=$("$varve" show --key-file key web01 --json | jq -r .id)
  slot=$("$varve" key list --key-file key --json | jq -r '.[0].id')
  expect_completed "show ${id:0:6}" "show ${id:0:12}"
  expect_completed 'show web01@lat' 'show web01@latest'
  expect_completed "key remove ${slot:0:5}" "key remove ${slot:0:12}"
  expect_completed 'revisions w' 'revisions w'
  expect_completed 'revisions --key-file key w' 'revisions --key-file key web01'
  complete_all
}

test_a_thousand_revisions_take_no_time() {
  "$varve" init
  echo content >disk.raw
  "$varve" backup web01 disk.raw --verify none
  # A program without optimisation takes fifty times as long, and proves nothing.
  local count=1000 best=9999 begun took
  [[ $varve != */debug/* ]] || count=20
  python3 "$integration/lib/many-revisions.py" "$VARVE_REPOSITORY" "$count"
  expect_equal "$(count_revisions)" "$count"
  for _ in 1 2 3 4 5; do
    begun=${EPOCHREALTIME/./}
    "$varve" complete-words -- show web01@la >answer
    took=$(((${EPOCHREALTIME/./} - begun) / 1000))
    ((took >= best)) || best=$took
  done
  expect_equal "$(sed -n 3p answer)" web01@latest
  [[ $varve == */debug/* ]] || expect_at_most "$best" 100 milliseconds
}
