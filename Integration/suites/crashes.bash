# SIGKILL at random moments. After each, the repository must work and what was stored must be reused.

# kill_backup_after MILLISECONDS: true when the backup was really killed half-way.
kill_backup_after() {
  local pid status=0
  "$varve" backup job disk.raw >/dev/null 2>&1 &
  pid=$!
  sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || status=$?
  ((status == 137))
}

# check_everything REVISIONS: all of them read back, and whole.
check_everything() {
  expect_equal "$(count_revisions)" "$1" "revisions"
  expect_exit 0 "$varve" verify --all
}

test_backup_killed_at_random_moments() {
  "$varve" init
  make_mixed_volume disk.raw 400 1
  "$varve" backup job disk.raw
  local seed=${VARVE_SEED:-$RANDOM} rounds=12 round done_before=1 killed=0
  if long_tests; then rounds=100; fi
  echo "VARVE_SEED=$seed"
  RANDOM=$seed
  for ((round = 0; round < rounds; round++)); do
    write_random disk.raw $((RANDOM * 4096)) 60000000 "$RANDOM"
    if kill_backup_after $((RANDOM % 700)); then
      killed=$((killed + 1))
      # Killed after the commit, while it verified: that revision is there, and whole.
      (($(count_revisions) == done_before)) || done_before=$((done_before + 1))
    else
      done_before=$((done_before + 1))
    fi
    check_everything "$done_before"
  done
  echo "$killed of $rounds were killed"
  expect_at_least "$killed" 2 "backups killed"
  "$varve" backup job disk.raw
  "$varve" restore job@latest - | cmp - disk.raw
  check_everything $((done_before + 1))
}

test_first_backup_killed_is_continued_from_its_packs() {
  "$varve" init
  random_bytes 600000000 2 >disk.raw
  local pid stored packs_before
  "$varve" backup job disk.raw >/dev/null 2>&1 &
  pid=$!
  wait_until 60 either "at_least_packs 4" "has_ended $pid"
  kill -KILL "$pid" || fail "the backup ended before it could be killed"
  wait "$pid" 2>/dev/null || true
  expect_equal "$(count_revisions)" 0 "revisions"
  packs_before=$(pack_files | sort)
  stored=$(pack_files | xargs -d '\n' stat -c %s | awk '{ sum += $1 } END { print sum }')
  expect_at_least "$stored" 100000000 "bytes in packs before the kill"
  "$varve" backup job disk.raw
  "$varve" restore job@latest - | cmp - disk.raw
  # Every byte is random, so what was stored twice would show.
  local total
  total=$(pack_files | xargs -d '\n' stat -c %s | awk '{ sum += $1 } END { print sum }')
  expect_at_most "$total" 610000000 "bytes in packs"
  expect_equal "$(comm -23 <(echo "$packs_before") <(pack_files | sort))" "" "packs that vanished"
}

test_killed_restore_leaves_nothing_that_looks_finished() {
  "$varve" init
  random_bytes 600000000 3 >disk.raw
  "$varve" backup job disk.raw
  local pid
  "$varve" restore job@latest out.raw >/dev/null 2>&1 &
  pid=$!
  sleep 0.15
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  # What is there now may be anything but silently accepted: the next restore refuses or completes.
  if [[ -e out.raw ]]; then expect_exit 1 "$varve" restore job@latest out.raw; fi
  "$varve" restore job@latest out.raw --force
  expect_same_bytes disk.raw out.raw
}

test_killed_server_leaves_no_lock() {
  "$varve" init
  random_bytes 5000000 4 >disk.raw
  "$varve" backup job disk.raw
  start_server
  kill -KILL "$server_pid"
  wait_until 5 has_ended "$server_pid"
  "$varve" backup job disk.raw
  # The socket of the dead server is in the way, and nobody listens there.
  "$varve" serve --unix "$server_socket" >>serve.log 2>&1 &
  server_pid=$!
  defer stop_process "$server_pid"
  wait_until 10 nbdinfo --size "$(nbd_uri job@latest)" || fail "$(cat serve.log)"
}
