# Forgetting and freeing, with the real program: space comes back, and nothing that is needed goes.

pack_bytes() { du --summarize --block-size=1 "$VARVE_REPOSITORY/packs" | cut -f1; }

# history_of COUNT: so many revisions of a job, each with 8 MB of its own; the disks are kept as N.raw.
history_of() {
  local number
  random_bytes 24000000 1 >disk.raw
  for ((number = 0; number < $1; number++)); do
    write_random disk.raw 0 8000000 $((number + 10))
    "$varve" backup job disk.raw --tag "n$number"
    cp disk.raw "$number.raw"
  done
}

expect_revision() { "$varve" restore "job@tag:n$1" - | cmp - "$1.raw"; }

test_space_comes_back() {
  "$varve" init
  history_of 6
  local before number
  before=$(pack_bytes)
  "$varve" forget job@tag:n0 job@tag:n2 job@tag:n4
  "$varve" gc --dry-run --json >plan
  expect_at_least "$(jq .freedBytes plan)" 23000000 "bytes that would be freed"
  expect_equal "$(pack_bytes)" "$before" "bytes after a dry run"
  "$varve" gc --json >report
  expect_at_least $((before - $(pack_bytes))) 23000000 "bytes freed"
  expect_equal "$(jq .waitingPacks report)" 0 "packs waiting"
  for number in 1 3 5; do expect_revision "$number"; done
  expect_exit 0 "$varve" verify --all
  "$varve" gc --json >again
  expect_equal "$(jq .deletedPacks again)" 0 "packs deleted a second time"
}

test_most_of_the_store_goes_only_with_yes() {
  "$varve" init
  history_of 1
  "$varve" forget --yes job@latest
  expect_exit 1 "$varve" gc
  expect_output '--yes'
  expect_at_least "$(pack_bytes)" 20000000 "bytes"
  "$varve" gc --yes
  expect_equal "$(find "$VARVE_REPOSITORY/packs" -type f | wc -l)" 0 "packs"
  "$varve" backup job 0.raw --tag n0
  expect_revision 0
}

test_nothing_goes_while_a_revision_cannot_be_read() {
  "$varve" init
  history_of 3
  "$varve" forget job@tag:n0
  local revision before
  revision=$(find "$VARVE_REPOSITORY/revisions" -type f | head -n 1)
  cp "$revision" kept
  printf x | dd of="$revision" bs=1 seek=80 conv=notrunc status=none
  before=$(pack_bytes)
  expect_exit 1 "$varve" gc
  expect_equal "$(pack_bytes)" "$before" "bytes"
  cp kept "$revision"
  "$varve" gc
  expect_revision 1
  expect_revision 2
}

test_collections_beside_backups_restores_and_a_server() {
  "$varve" init
  history_of 4
  start_server
  local round seed=${VARVE_SEED:-$RANDOM} rounds=8
  if long_tests; then rounds=100; fi
  echo "VARVE_SEED=$seed"
  RANDOM=$seed
  for ((round = 0; round < rounds; round++)); do
    write_random disk.raw $((RANDOM * 300)) 3000000 "$RANDOM"
    cp disk.raw other.raw
    "$varve" backup job disk.raw --tag "r$round" &
    local one=$!
    "$varve" backup other other.raw &
    local two=$!
    collect_or_leave_it_to_another &
    local three=$!
    collect_or_leave_it_to_another &
    local four=$!
    nbdcopy "$(nbd_uri job@tag:n3)" - | cmp - 3.raw
    wait "$one" && wait "$two" && wait "$three" && wait "$four"
    "$varve" restore "job@tag:r$round" - | cmp - disk.raw
    "$varve" restore other@latest - | cmp - disk.raw
    ((round < 2)) || "$varve" forget "job@tag:r$((round - 2))" other@first
  done
  "$varve" gc --yes
  expect_revision 3
  expect_exit 0 "$varve" verify --all
}

readonly another_runs='another garbage collection is running'

collect_or_leave_it_to_another() {
  local output
  output=$("$varve" gc --yes 2>&1) || grep --quiet "$another_runs" <<<"$output"
}

test_a_collection_leaves_it_to_one_that_runs() {
  "$varve" init
  history_of 2
  "$varve" gc
  expect_exit 1 flock "$VARVE_REPOSITORY/condemned/lock" "$varve" gc --yes
  expect_output "$another_runs"
  "$varve" gc --yes
}

# A pack that is gone or needed is never a surprise, whenever the collector dies.
test_collector_killed_at_random_moments() {
  "$varve" init
  history_of 3
  local round seed=${VARVE_SEED:-$RANDOM} rounds=12 pid
  if long_tests; then rounds=200; fi
  echo "VARVE_SEED=$seed"
  RANDOM=$seed
  for ((round = 0; round < rounds; round++)); do
    write_random disk.raw $((RANDOM * 300)) 4000000 "$RANDOM"
    "$varve" backup job disk.raw --tag "k$round"
    ((round == 0)) || "$varve" forget "job@tag:k$((round - 1))"
    "$varve" gc --yes >/dev/null 2>&1 &
    pid=$!
    sleep "0.0$((RANDOM % 60 + 10))"
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    "$varve" restore "job@tag:k$round" - | cmp - disk.raw
  done
  "$varve" gc --yes
  local number
  for number in 0 1 2; do expect_revision "$number"; done
  expect_exit 0 "$varve" verify --all
  [[ -z $(find "$VARVE_REPOSITORY" -name '.tmp-*') ]] || fail "unfinished files are left"
  "$varve" gc --json --yes >report
  expect_equal "$(jq '.deletedPacks + .waitingPacks + .pardonedPacks' report)" 0 "packs left to do"
}

test_interrupted_collection_stops_cleanly() {
  "$varve" init
  history_of 4
  "$varve" forget job@tag:n0 job@tag:n1
  local pid status=0
  interruptible "$varve" gc &
  pid=$!
  sleep 0.05
  kill -TERM "$pid" 2>/dev/null || true
  wait "$pid" || status=$?
  # 143: before it had come so far as to have anything to stop.
  ((status == 0 || status == 1 || status == 143)) || fail "exit status $status"
  "$varve" gc
  expect_revision 2
  expect_revision 3
}

test_revision_that_a_client_reads_stays_until_it_is_gone() {
  "$varve" init
  history_of 3
  start_server
  local reader
  mkfifo release
  URI=$(nbd_uri job@tag:n0) /usr/bin/python3 -c 'import nbd, os, sys
h = nbd.NBD(); h.connect_uri(os.environ["URI"]); print("connected", flush=True); sys.stdin.readline()
with open("read.raw", "wb") as out:
    for offset in range(0, h.get_size(), 1 << 20):
        out.write(h.pread(min(1 << 20, h.get_size() - offset), offset))' <release >client &
  reader=$!
  exec 9>release
  wait_until 10 grep -q connected client
  "$varve" forget job@tag:n0
  "$varve" gc
  expect_exit 1 nbdinfo --size "$(nbd_uri job@tag:n0)"
  echo >&9
  exec 9>&-
  wait "$reader"
  cmp read.raw 0.raw
  local before
  before=$(pack_bytes)
  "$varve" gc
  expect_at_least $((before - $(pack_bytes))) 7000000 "bytes freed"
  # The server lets go of deleted packs by itself.
  wait_until 30 holds_no_deleted_pack "$server_pid"
  "$varve" restore job@tag:n2 - | cmp - 2.raw
}

holds_no_deleted_pack() {
  readlink /proc/"$1"/fd/* >descriptors || true
  ! grep --quiet 'packs/.*(deleted)' descriptors
}

test_usage_adds_up() {
  "$varve" init
  history_of 3
  cp 2.raw same.raw
  "$varve" backup twin same.raw
  "$varve" usage --json >usage.json
  expect_equal "$(jq -r '[.jobs[].job] | join(" ")' usage.json)" "job twin" "jobs"
  expect_equal "$(jq '.jobs[0].revisions | length' usage.json)" 3 "revisions"
  # What the newest of both jobs have in common is neither's alone.
  expect_at_least "$(jq .sharedBetweenJobsBytes usage.json)" 23000000 "bytes shared"
  expect_at_least "$(jq '.jobs[0].exclusiveBytes' usage.json)" 15000000 "bytes of the job alone"
  # Headers and footers of packs are nobody's.
  jq -e '(([.jobs[].exclusiveBytes] | add) + .sharedBetweenJobsBytes + .heldBytes + .garbageBytes)
    / .storeBytes | . <= 1 and . > 0.98' usage.json
  expect_exit 0 "$varve" usage
  expect_output '^twin '
  expect_exit 0 "$varve" usage job
  expect_output 'job@2'
  expect_exit 1 "$varve" usage nobody
  # What pruning would free is what it does free.
  expect_equal "$(jq .prunableBytes usage.json)" null "prunable bytes"
  "$varve" policy set --keep-last 1
  "$varve" usage --json >usage.json
  local prunable before
  prunable=$(jq .prunableBytes usage.json)
  expect_at_least "$prunable" 15000000 "prunable bytes"
  before=$(pack_bytes)
  "$varve" prune --yes
  "$varve" gc --yes
  expect_at_least $((before - $(pack_bytes))) $((prunable * 95 / 100)) "bytes freed"
}
