# The index: damaged, where it lies, and what it must not be believed.

# repository_with_history: two disks, a and b, over several nights, with garbage collected in between.
repository_with_history() {
  "$varve" init
  random_bytes 6000000 1 >a.raw
  random_bytes 5000000 2 >b.raw
  local night
  for night in 1 2 3 4; do
    "$varve" backup a a.raw
    "$varve" backup b b.raw
    write_random a.raw $((night * 700000)) 3000 "$((night + 10))"
    write_random b.raw $((night * 900000)) 300000 "$((night + 20))"
    [[ $night != 2 ]] || {
      "$varve" prune b --keep-last 1 --yes
      "$varve" gc --yes
    }
  done
  "$varve" backup a a.raw
  "$varve" backup b b.raw
}

test_flipped_bits_in_the_index() {
  local seed=${VARVE_SEED:-$RANDOM} count=42
  if long_tests; then count=3000; fi
  echo "VARVE_SEED=$seed"
  repository_with_history
  python3 "$integration/lib/flip-index.py" \
    "$varve" "$VARVE_REPOSITORY" "$VARVE_REPOSITORY/index" "$seed" "$count" a=a.raw b=b.raw
}

index_directory() { "$varve" index show | awk '$1 == "directory" { print $2 }'; }

test_index_of_a_repository_that_others_write_to_is_in_the_cache() {
  export XDG_CACHE_HOME=$work/cache
  "$varve" init
  random_bytes 3000000 1 >disk.raw
  "$varve" backup job disk.raw
  expect_equal "$(index_directory)" "$VARVE_REPOSITORY/index" "place of the index"
  chmod g+w "$VARVE_REPOSITORY"
  [[ $(index_directory) == "$work/cache/varve/"* ]] || fail "the index is in $(index_directory)"
  expect_equal "$(stat -c %a "$work/cache/varve")" 700 "mode of the cache"
  "$varve" restore job@latest - | cmp - disk.raw
  chmod g-w "$VARVE_REPOSITORY"
  chmod o+w "$VARVE_REPOSITORY/index"
  [[ $(index_directory) == "$work/cache/varve/"* ]] || fail "the index is in $(index_directory)"
  rm -r "$VARVE_REPOSITORY/index"
  mkdir elsewhere
  ln -s "$work/elsewhere" "$VARVE_REPOSITORY/index"
  [[ $(index_directory) == "$work/cache/varve/"* ]] || fail "the index is in $(index_directory)"
  "$varve" restore job@latest - | cmp - disk.raw
  expect_equal "$(ls elsewhere)" "" "what is behind the link"
}

test_index_of_an_encrypted_repository_is_in_the_cache() {
  export XDG_CACHE_HOME=$work/cache VARVE_PASSPHRASE=secret
  "$varve" init --encrypt passphrase
  random_bytes 3000000 1 >disk.raw
  "$varve" backup job disk.raw
  [[ $(index_directory) == "$work/cache/varve/"* ]] || fail "the index is in $(index_directory)"
  # Somebody else may have made this directory.
  chmod g+w "$work/cache/varve"
  rm -r "$work/cache/varve"/*
  "$varve" restore job@latest - | cmp - disk.raw
}

test_killed_backups_leave_the_index_as_it_is() {
  "$varve" init
  random_bytes 60000000 1 >disk.raw
  "$varve" backup job disk.raw
  local before round
  before=$(stat -c %i "$VARVE_REPOSITORY/index/data.mdb")
  for round in 1 2 3 4; do
    random_bytes 60000000 "$round" >next.raw
    "$varve" backup job next.raw &
    sleep 0."$round"
    kill -KILL $! 2>/dev/null || true
    wait $! || true
  done
  "$varve" backup job next.raw
  expect_equal "$(stat -c %i "$VARVE_REPOSITORY/index/data.mdb")" "$before" "inode of the index"
  expect_exit 0 "$varve" verify --all
}

test_rebuild_while_a_server_reads() {
  repository_with_history
  start_server
  "$varve" index rebuild
  nbdcopy "$(nbd_uri a@latest)" - | cmp - a.raw
  "$varve" backup b b.raw
  nbdcopy "$(nbd_uri b@latest)" - | cmp - b.raw
}
