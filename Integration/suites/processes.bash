# Several processes, signals, the index as a cache, and a repository that cannot be written.

test_terminated_server_exits_cleanly_and_removes_its_socket() {
  "$varve" init
  random_bytes 1000000 1 >disk.raw
  "$varve" backup job disk.raw
  local signal expected status
  while read -r signal expected; do
    start_server
    nbdinfo --size "$(nbd_uri job@latest)"
    kill "-$signal" "$server_pid"
    status=0
    wait "$server_pid" || status=$?
    expect_equal "$status" "$expected" "exit status after SIG$signal"
    [[ ! -e $server_socket ]] || fail "the socket is still there after SIG$signal"
  done <<<$'TERM 0\nINT 130\nQUIT 131'
}

test_server_stops_although_a_client_stays_connected() {
  "$varve" init
  random_bytes 1000000 1 >disk.raw
  "$varve" backup job disk.raw
  start_server
  URI=$(nbd_uri job@latest) /usr/bin/python3 -c 'import nbd, os, time
h = nbd.NBD(); h.connect_uri(os.environ["URI"]); print("connected", flush=True); time.sleep(120)' \
    >client &
  defer stop_process $!
  wait_until 10 grep -q connected client
  kill -TERM "$server_pid"
  wait_until 15 has_ended "$server_pid" || fail "still running 15 s after SIGTERM"
}

test_interrupted_backup_leaves_no_revision_and_a_good_repository() {
  "$varve" init
  random_bytes 400000000 2 >disk.raw
  local signal expected pid status
  while read -r signal expected; do
    interruptible "$varve" backup job disk.raw &
    pid=$!
    wait_until 20 either "at_least_packs 1" "has_ended $pid"
    kill "-$signal" "$pid" 2>/dev/null || true
    status=0
    wait "$pid" || status=$?
    expect_equal "$status" "$expected" "exit status of a backup ended by SIG$signal"
    expect_equal "$(count_revisions)" 0 "revisions"
    expect_exit 0 "$varve" verify --all
    rm -rf "$VARVE_REPOSITORY"
    "$varve" init
  done <<<$'INT 130\nTERM 143\nHUP 129\nQUIT 131'
}

# expect_interrupted COMMAND...: runs it until it has begun, and interrupts it.
expect_interrupted() {
  local pid status=0
  interruptible "$@" <&0 2>messages &
  pid=$!
  wait_until 20 has_session || fail "did not begin: $*"
  kill -INT "$pid"
  wait "$pid" || status=$?
  expect_equal "$status" 130 "exit status of $*"
}

test_an_interrupt_ends_every_command_with_130() {
  "$varve" init
  random_bytes 50000000 1 >disk.raw
  "$varve" backup job disk.raw
  mkfifo input output
  # Neither gives nor takes anything.
  exec 7<>input 8<>output
  expect_interrupted "$varve" backup stream - <input
  expect_interrupted "$varve" restore job@latest - >output
  expect_interrupted "$varve" serve --unix "$work/s.sock"
}

has_session() { [[ -n $(ls "$VARVE_REPOSITORY/sessions") ]]; }

test_progress_without_a_terminal() {
  "$varve" init
  { head -c 4M /dev/zero && sleep 4; } | VARVE_PROGRESS=1 "$varve" backup job - 2>messages
  expect_at_least "$(grep -c '^varve: backing up job  4.00 MiB' messages)" 2 "lines of progress"
  { head -c 4M /dev/zero && sleep 3; } | VARVE_PROGRESS=0 "$varve" backup job - 2>messages
  expect_equal "$(grep -c 'backing up job' messages || true)" 0 "lines of progress"
}

test_sigusr1_reports_progress_and_stops_nothing() {
  "$varve" init
  mkfifo input
  "$varve" backup job - <input 2>messages &
  local pid=$!
  exec 7>input
  head -c 4M /dev/zero >&7
  wait_until 10 has_session
  sleep 0.5
  kill -USR1 "$pid"
  wait_until 10 grep -q '^varve: backing up job  4.00 MiB' messages
  kill -USR1 "$pid"
  exec 7>&-
  wait "$pid"
  expect_equal "$(count_revisions)" 1 "revisions"
}

test_two_backups_at_once_store_the_data_about_once() {
  "$varve" init
  random_bytes 200000000 3 >one.raw
  cp one.raw two.raw
  "$varve" backup one one.raw &
  local one=$!
  "$varve" backup two two.raw &
  wait "$one"
  wait $!
  expect_at_most "$(repository_bytes)" 300000000
  "$varve" restore one@latest - | cmp - one.raw
  "$varve" restore two@latest - | cmp - two.raw
  expect_exit 0 "$varve" verify --all
}

test_many_backups_of_one_job_at_once() {
  "$varve" init
  local number pids=()
  for number in 1 2 3 4 5 6; do
    random_bytes 3000000 "$number" >"disk-$number.raw"
    "$varve" backup "job-$number" "disk-$number.raw" &
    pids+=($!)
    "$varve" backup shared "disk-$number.raw" &
    pids+=($!)
  done
  local pid
  for pid in "${pids[@]}"; do wait "$pid"; done
  expect_equal "$(count_revisions)" 12 "revisions"
  expect_exit 0 "$varve" verify --all
}

test_backup_while_its_last_revision_is_read() {
  "$varve" init
  make_mixed_volume disk.raw 96 4
  cp --sparse=always disk.raw before.raw
  "$varve" backup job disk.raw
  start_server
  local id round
  id=$(newest_revision job)
  for round in 1 2 3; do
    write_random disk.raw $((round * 7000000)) 500000 "$round"
    nbdcopy "$(nbd_uri "$id")" copy.raw &
    local copying=$!
    "$varve" backup job disk.raw
    wait "$copying"
    expect_same_bytes before.raw copy.raw
    rm copy.raw
  done
}

index_files() { find "$VARVE_REPOSITORY/index" -type f -name '*.mdb'; }

test_lost_or_damaged_index_is_rebuilt() {
  "$varve" init
  make_mixed_volume disk.raw 64 5
  "$varve" backup job disk.raw
  local packs_before file
  packs_before=$(pack_files | wc -l)
  [[ -n $(index_files) ]] || fail "no index found; does this test look in the right place?"

  rm -r "$VARVE_REPOSITORY/index"
  "$varve" restore job@latest - | cmp - disk.raw

  while read -r file; do random_bytes 300000 6 >"$file"; done < <(index_files)
  "$varve" restore job@latest - | cmp - disk.raw

  while read -r file; do : >"$file"; done < <(index_files)
  "$varve" backup copy disk.raw
  "$varve" restore copy@latest - | cmp - disk.raw
  # All data was found again in the packs, so only a map could be new.
  expect_at_most "$(pack_files | wc -l)" $((packs_before + 1)) "packs"

  expect_exit 0 "$varve" index rebuild
  "$varve" restore job@latest - | cmp - disk.raw
}

test_repository_copied_elsewhere_works_there() {
  "$varve" init
  make_mixed_volume disk.raw 48 7
  "$varve" backup job disk.raw
  cp -a "$VARVE_REPOSITORY" moved
  rm -rf "$VARVE_REPOSITORY"
  export VARVE_REPOSITORY=$work/moved
  "$varve" restore job@latest - | cmp - disk.raw
  write_random disk.raw 1000000 1000 8
  "$varve" backup job disk.raw
  expect_equal "$(count_revisions job)" 2
}

test_an_older_copy_of_the_repository_under_the_same_path() {
  "$varve" init
  make_mixed_volume disk.raw 32 9
  "$varve" backup job disk.raw
  cp -a "$VARVE_REPOSITORY" older
  write_random disk.raw 20000000 5000000 10
  "$varve" backup job disk.raw
  # The index now knows packs that the restored older copy does not have.
  rm -rf "$VARVE_REPOSITORY"
  mv older "$VARVE_REPOSITORY"
  "$varve" backup job disk.raw
  "$varve" restore job@latest - | cmp - disk.raw
  expect_exit 0 "$varve" verify --all
}

test_packs_are_named_by_the_hash_of_their_bytes() {
  "$varve" init
  make_mixed_volume disk.raw 64 11
  "$varve" backup job disk.raw
  local pack name hash count=0
  while read -r pack; do
    name=$(basename "$pack")
    read -r hash _ < <(sha256sum "$pack")
    expect_equal "$name" "$hash" "name of a pack"
    count=$((count + 1))
  done < <(pack_files)
  expect_at_least "$count" 2 "packs"
}

test_read_only_repository_can_be_read() {
  needs_root
  "$varve" init
  make_mixed_volume disk.raw 32 12
  "$varve" backup job disk.raw
  mount --bind "$VARVE_REPOSITORY" "$VARVE_REPOSITORY" || skip "no bind mounts here"
  defer unmount "$VARVE_REPOSITORY"
  mount -o remount,bind,ro "$VARVE_REPOSITORY"
  "$varve" revisions
  "$varve" restore job@latest - | cmp - disk.raw
  expect_exit 0 "$varve" verify job@latest
  start_server
  nbdcopy "$(nbd_uri job@latest)" - | cmp - disk.raw
  expect_exit 1 "$varve" backup job disk.raw
  expect_output 'read-only'
}
