# What commands print: for programs, for people, and where there is nothing to print.

# json COMMAND...: the only document on standard output.
json() {
  "$varve" --json "$@" 2>messages >document || fail "$*: $(cat messages document)"
  jq -es 'length == 1' document >/dev/null || fail "$*: $(cat document)"
  cat document
}

test_json_of_every_command_that_changes_something() {
  head -c 64 /dev/urandom >key
  json init --chunk-size 64KiB |
    jq -e --arg path "$VARVE_REPOSITORY" '.repository == $path and .chunkSizeBytes == 65536 and
      .encryption == null and (.id | length) > 0'
  random_bytes 300000 1 >disk.raw
  local id
  id=$("$varve" backup web01 disk.raw)
  json protect web01 | jq -e --arg id "$id" '. == [{id: $id, job: "web01", isProtected: true, isChange: true}]'
  json protect web01 | jq -e '.[0] | .isProtected and (.isChange | not)'
  json unprotect web01 | jq -e '.[0].isChange and (.[0].isProtected | not)'
  json tag add web01 a b | jq -e --arg id "$id" '. == {id: $id, job: "web01", tags: ["a", "b"]}'
  json tag remove web01 a | jq -e '.tags == ["b"]'
  json policy set web01 --keep-last 3 | jq -e '.job == "web01" and .options == "--keep-last 3"'
  json policy set --keep-last 5 | jq -e '.job == null and .isDefault'
  json policy remove web01 | jq -e '.job == "web01" and .options == "--keep-last 3"'
  export VARVE_OVERLAYS=$work/overlays
  start_server web01 --overlay scratch
  stop_process "$server_pid"
  json serve web01 --unix "$work/json.sock" --daemonize --pidfile "$work/pid" | jq -e --arg id "$id" '.exportName == "web01@" + $id[0:16] and
    (.addresses | length) == 1 and (.addresses[0].uri | startswith("nbd+unix:///web01"))'
  expect_equal "$(jq .process document)" "$(cat pid)"
  defer stop_process "$(cat pid)"
  json overlay remove scratch | jq -e '. == {name: "scratch", pinLeft: null}'
}

test_json_of_keys() {
  head -c 64 /dev/urandom >key
  json init --encrypt keyfile --key-file key | jq -e '.encryption == "keyfile"'
  local added
  added=$(json key add --key-file key --new-key-file other --label second)
  jq -e '.kind == "keyfile" and .label == "second" and (.id | length) == 64' <<<"$added"
  json key export --key-file key | jq -er .paperKey >paper
  json key import paper --new-key-file third | jq -e '.kind == "keyfile"'
  json key remove --key-file key "$(jq -r .id <<<"$added")" |
    jq -e --argjson added "$added" '.id == $added.id and .kind == "keyfile"'
  json key list --key-file key | jq -e 'length == 2'
}

# expect_failure CODE STATUS COMMAND...
expect_failure() {
  local status=0
  "$varve" "${@:3}" --json >document 2>messages || status=$?
  expect_equal "$status" "$2" "exit status of $*"
  jq -es --arg code "$1" 'length == 1 and .[0].error.code == $code' document || fail "$*: $(cat document)"
  [[ -s messages ]] || fail "$* says nothing to people"
}

test_json_of_these_commands_when_they_fail() {
  "$varve" init
  expect_failure already-exists 1 init
  local command
  for command in 'protect web01' 'unprotect web01' 'tag add web01 a' 'tag remove web01 a' \
    'policy remove web01' 'rename-job a b' 'overlay remove nothing'; do
    # shellcheck disable=SC2086 # words are meant to be split
    expect_failure not-found 1 $command
  done
  for command in 'attach web01 /dev/sda' detach umount 'key add --label' 'key remove' 'policy set'; do
    # shellcheck disable=SC2086 # words are meant to be split
    expect_failure usage 2 $command
  done
  if ((EUID == 0)); then
    expect_failure not-found 1 umount "$work"
    expect_failure not-found 1 detach /dev/nbd15
  fi
}

# Every list says on standard error that it is empty, and prints nothing else.
test_empty_lists_say_that_they_are_empty() {
  export VARVE_OVERLAYS=$work/overlays VARVE_RUNTIME=$work/runtime VARVE_STATE=$work/state
  "$varve" init
  local command
  for command in revisions list 'tag list' 'overlay list' 'pin list' 'key list' quarantine \
    'policy show' clients mount; do
    # shellcheck disable=SC2086 # words are meant to be split
    "$varve" $command >data 2>messages || fail "$command: $(cat messages)"
    [[ ! -s data ]] || fail "$command prints $(cat data)"
    grep -Eq '^varve: (no |nothing|the quarantine is empty)' messages ||
      fail "$command says $(cat messages)"
    # shellcheck disable=SC2086
    "$varve" $command --json 2>messages | jq -e 'if type == "object" then .pins else . end == []' ||
      fail "$command"
    [[ -s messages ]] || fail "$command --json says nothing"
  done
  "$varve" usage 2>&1 >data | grep -q 'no revisions' || fail "usage: $(cat data)"
  "$varve" usage --json | jq -e '.jobs == []'
  echo content >disk.raw
  "$varve" backup web01 disk.raw
  expect_exit 0 "$varve" revisions --tag nothing
  expect_output "no revisions with the tag 'nothing'"
}

test_tables_fit_100_columns_and_cut_nothing() {
  local job tag
  job=$(printf 'a-machine-with-a-name-%.0s' {1..8})
  tag=$(printf 'tag%.0s' {1..60})
  "$varve" init
  random_bytes 300000 1 >disk.raw
  local source=$work/disk.raw name
  name=$(printf 'n%.0s' {1..150})
  mkdir "$name"
  cp disk.raw "$name/disk.raw"
  "$varve" backup "$job" "$work/$name/disk.raw" --tag "$tag" --attach "$name=$source"
  "$varve" protect "$job"
  "$varve" policy set "$job" --keep-last 3 --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --keep-yearly 10
  "$varve" policy set --keep-last 1 --keep-tag "$tag"
  export VARVE_OVERLAYS=$work/overlays
  start_server "$job" --overlay "$name"
  local command
  for command in revisions "show $job" 'tag list' usage "usage $job" 'policy show' 'overlay list' \
    'pin list' 'prune --dry-run' clients "distrust $job"; do
    # shellcheck disable=SC2086 # words are meant to be split
    "$varve" $command >table
    # A line with one value, or about one job, is no row of a table.
    awk 'length > 100 && !/^(job|revision|tags|host|program|parent) |^a-.*: --keep/ { print; bad = 1 } END { exit bad }' \
      table || fail "$command"
  done
  # All of a name is there, in pieces one below the other.
  "$varve" tag list >table
  local column
  column=$(awk 'NR == 1 { from = index($0, "TAG"); to = index($0, "REVISIONS") }
    NR > 1 { print substr($0, from, to - from) }' table | tr -d ' \n')
  expect_equal "$column" "$tag"
  "$varve" revisions | grep -q "$("$varve" revisions --json | jq -r '.[0].id[0:12]')"
  # A terminal that is wider has room.
  script -qec "stty cols 900; '$varve' revisions" wide </dev/null
  grep -q "$job@0" wide
}

# The same quantity has the same name and the same value wherever it is printed.
test_sizes_agree_between_commands() {
  "$varve" init
  random_bytes 3000000 1 >vda.raw
  random_bytes 1000000 2 >vdb.raw
  truncate -s 5000000 vda.raw
  json backup db01 vda=vda.raw vdb=vdb.raw >first.json
  printf changed | dd of=vda.raw bs=1 seek=1000000 conv=notrunc status=none
  json backup db01 vda=vda.raw vdb=vdb.raw >backup.json
  json revisions >revisions.json
  json show db01 >show.json
  json usage >usage.json
  json gc --dry-run >gc.json
  json diff db01@1 db01@0 >diff.json
  local sizes='{sizeBytes, dataBytes, newBytes, storedBytes}' two='{sizeBytes, dataBytes}'
  expect_equal "$(jq -c ".revision | $sizes" backup.json)" "$(jq -c "$sizes" show.json)"
  expect_equal "$(jq -c ".[1] | $sizes" revisions.json)" "$(jq -c "$sizes" show.json)"
  expect_equal "$(jq -c ".jobs[0].revisions[1] | $two" usage.json)" "$(jq -c "$two" show.json)"
  expect_equal "$(jq .storedBytes backup.json)" "$(jq .storedBytes show.json)"
  expect_equal "$(jq .sizeBytes show.json)" 6000000
  jq -e '[.volumes[].newBytes] | add == 131072' show.json
  # What differs is what was new.
  expect_equal "$(jq .changedBytes diff.json)" "$(jq .newBytes show.json)"
  # What packs were written with is what the store has; nothing in it is garbage.
  local packs
  packs=$(jq -s 'map(.packBytes) | add' first.json backup.json)
  expect_equal "$(jq .storeBytes usage.json)" "$packs"
  expect_equal "$(jq .storeBytes gc.json)" "$packs"
  expect_equal "$(jq .garbageBytes usage.json)" 0
  expect_equal "$(jq '.deadBytes + .rewrittenDeadBytes' gc.json)" 0
  # People read the same figures, rounded alike.
  local new
  new=$("$varve" revisions | awk 'END { print $7, $8 }')
  "$varve" show db01 | grep -q "$new" || fail "show has not '$new'"
  # What only one revision needs is what forgetting it frees.
  local alone
  random_bytes 2000000 3 >vdb.raw
  "$varve" backup db01 vda=vda.raw vdb=vdb.raw
  alone=$(json usage db01 | jq '.revisions[2].exclusiveBytes')
  "$varve" forget db01@0
  expect_equal "$(json usage | jq .garbageBytes)" "$alone"
  local dead
  dead=$(json gc --dry-run | jq '.deadBytes + .rewrittenDeadBytes')
  expect_at_most "$((dead - alone < 0 ? alone - dead : dead - alone))" 4096 "difference of garbage"
}
