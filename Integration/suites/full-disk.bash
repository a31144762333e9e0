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
  # It is made where there is room, for this command alone.
  export TMPDIR=$work/temporary
  mkdir "$TMPDIR"
  "$varve" restore job@latest - | cmp - disk.raw
  expect_equal "$(ls "$TMPDIR")" "" "what is left of the index"
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

# full_repository TYPE SIZE: a repository with jobs a and b on a file system without room, in `small`.
full_repository() {
  needs_loop
  small=$work/small
  mkdir "$small"
  truncate -s "$2" small.raw
  case $1 in
    inodes) mkfs.ext4 -q -F -m 0 -N 80 small.raw ;;
    *) make_bare_file_system "$1" small.raw ;;
  esac
  attach_loop "$work/small.raw"
  mount_until_exit "$loop_device" "$small"
  export VARVE_REPOSITORY=$small/repository TMPDIR=$work
  "$varve" init
  random_bytes 6000000 1 >a.raw
  random_bytes 7000000 2 >b.raw
  "$varve" backup b b.raw
  "$varve" backup a a.raw
  write_random a.raw 1000000 300000 3
  "$varve" backup a a.raw
  case $1 in
    inodes) local number=0 && while : 2>/dev/null >"$small/file$number"; do number=$((number + 1)); done ;;
    *) local size && for size in 1M 1k 1; do
      dd if=/dev/urandom of="$small/ballast-$size" bs="$size" count=100000 status=none || true
      sync --file-system "$small"
    done ;;
  esac 2>/dev/null
}

# what_reads_works_and_deleting_makes_room: after full_repository.
what_reads_works_and_deleting_makes_room() {
  expect_exit 0 "$varve" revisions
  expect_exit 0 "$varve" show a@latest
  expect_exit 0 "$varve" diff a@1 a@0
  "$varve" restore a@latest - | cmp - a.raw
  "$varve" restore b@latest - | cmp - b.raw
  expect_exit 0 "$varve" verify --all
  expect_exit 0 "$varve" usage
  expect_exit 0 "$varve" check-repository
  expect_exit 0 "$varve" index rebuild
  start_server
  nbdcopy "$(nbd_uri a@latest)" - | cmp - a.raw
  expect_exit 0 "$varve" forget --yes b@latest
  expect_exit 0 "$varve" prune a --keep-last 1 --yes
  expect_exit 0 "$varve" gc --yes
  expect_equal "$(find "$VARVE_REPOSITORY/forgotten" -type f)" "" "forgotten revisions"
  expect_equal "$("$varve" restore a@latest - | sha256sum)" "$(sha256sum <a.raw)" "disk"
  random_bytes 1000000 9 >small-disk.raw
  expect_exit 0 "$varve" backup c small-disk.raw
  expect_exit 0 "$varve" verify --all
}

test_full_ext4_is_read_and_freed() {
  full_repository ext4 64M
  what_reads_works_and_deleting_makes_room
}

test_full_btrfs_is_read_and_freed() {
  full_repository btrfs 120M
  what_reads_works_and_deleting_makes_room
}

# Data and metadata share one pool: nothing is left for metadata.
test_full_mixed_btrfs_is_read_and_freed() {
  full_repository btrfs-mixed 160M
  what_reads_works_and_deleting_makes_room
}

test_full_xfs_is_read_and_freed() {
  full_repository xfs 300M
  what_reads_works_and_deleting_makes_room
}

test_file_system_without_inodes_is_read_and_freed() {
  full_repository inodes 64M
  expect_exit 1 "$varve" backup c a.raw
  expect_output 'no free inodes'
  what_reads_works_and_deleting_makes_room
}
