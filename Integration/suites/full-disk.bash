# A real file system that runs full under a backup or a restore.

test_repository_that_runs_full_works_again_once_there_is_room() {
  small_file_system 160M
  export VARVE_REPOSITORY=$small/repository
  "$varve" init
  random_bytes 50000000 1 >first.raw
  "$varve" backup job first.raw
  random_bytes 50000000 9 >"$small/ballast"
  random_bytes 100000000 2 >second.raw
  expect_exit 1 "$varve" backup job second.raw
  expect_output 'space'
  expect_equal "$(count_revisions)" 1 "revisions"
  "$varve" restore job@latest - | cmp - first.raw
  expect_exit 0 "$varve" verify --all
  rm "$small/ballast"
  head -c 70000000 second.raw >smaller.raw
  "$varve" backup job smaller.raw
  "$varve" restore job@latest - | cmp - smaller.raw
  expect_exit 0 "$varve" verify --all
}

test_repository_on_a_completely_full_file_system_can_be_read() {
  small_file_system 100M
  export VARVE_REPOSITORY=$small/repository
  "$varve" init
  random_bytes 30000000 3 >disk.raw
  "$varve" backup job disk.raw
  fill_to_the_last_block
  "$varve" restore job@latest - | cmp - disk.raw
  start_server
  nbdcopy "$(nbd_uri job@latest)" - | cmp - disk.raw
  random_bytes 1000000 10 >other.raw
  expect_exit 1 "$varve" backup job other.raw
  expect_output 'space'
}

test_index_that_finds_no_room() {
  small_file_system 24M
  "$varve" init
  random_bytes 20000000 5 >disk.raw
  "$varve" backup job disk.raw
  # A repository that cannot be written to has its index under the user's cache.
  rm -r "$VARVE_REPOSITORY/index"
  mount --bind "$VARVE_REPOSITORY" "$VARVE_REPOSITORY"
  defer unmount "$VARVE_REPOSITORY"
  mount -o remount,bind,ro "$VARVE_REPOSITORY"
  export XDG_CACHE_HOME=$small
  fill_to_the_last_block
  expect_exit 1 "$varve" restore job@latest restored.raw
  expect_output 'space'
  rm "$small/ballast"
  "$varve" restore job@latest - | cmp - disk.raw
}

test_restore_into_a_full_file_system() {
  small_file_system 60M
  "$varve" init
  random_bytes 90000000 8 >disk.raw
  "$varve" backup job disk.raw
  expect_exit 1 "$varve" restore job@latest "$small/out.raw"
  expect_output 'space'
}

test_collection_frees_a_full_file_system() {
  small_file_system 120M
  export VARVE_REPOSITORY=$small/repository
  "$varve" init
  local number=0
  random_bytes 12000000 50 >fill0.raw
  while "$varve" backup "fill$number" "fill$number.raw" >/dev/null 2>&1; do
    number=$((number + 1))
    ((number < 20)) || fail "the file system does not get full"
    random_bytes 12000000 $((number + 50)) >"fill$number.raw"
  done
  expect_at_least "$number" 4 "backups that fitted"
  "$varve" forget --yes fill0@latest fill1@latest
  "$varve" gc --yes
  "$varve" backup again "fill$number.raw"
  "$varve" restore again@latest - | cmp - "fill$number.raw"
  "$varve" restore fill2@latest - | cmp - fill2.raw
  expect_exit 0 "$varve" verify --all
}
