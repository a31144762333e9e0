# Where a restore may write, and where it must refuse to.

one_revision() {
  "$varve" init
  make_mixed_volume disk.raw 48 1
  "$varve" backup job disk.raw
}

test_existing_file_is_refused_without_force() {
  one_revision
  echo precious >existing.raw
  expect_exit 1 "$varve" restore job@latest existing.raw
  expect_output 'existing.raw.*(exists|force)'
  expect_equal "$(cat existing.raw)" precious
  "$varve" restore job@latest existing.raw --force
  expect_same_bytes disk.raw existing.raw
}

test_a_link_that_leads_nowhere_is_no_target() {
  one_revision
  ln -s nowhere link
  expect_exit 1 "$varve" restore job@latest link --force
  expect_output 'link: it is a dangling symbolic link'
  [[ -L link && ! -e nowhere ]]
}

test_a_path_with_a_slash_at_its_end_is_a_directory() {
  one_revision
  expect_exit 1 "$varve" restore job@latest restored/
  expect_output 'restored/: a path that ends with / is a directory'
  [[ ! -e restored ]]
}

test_no_file_is_restored_into_the_repository() {
  one_revision
  ln -s "$VARVE_REPOSITORY" link
  local before name
  before=$(listing "$VARVE_REPOSITORY")
  for name in "$VARVE_REPOSITORY/new" "$VARVE_REPOSITORY/config" link/packs/new; do
    expect_exit 1 "$varve" restore job@latest "$name" --force
    expect_output 'is inside the repository'
  done
  expect_equal "$(listing "$VARVE_REPOSITORY")" "$before" "the repository"
}

test_a_mistyped_device_is_no_file_in_memory() {
  needs_root
  [[ $(stat --format %d /dev) != $(stat --format %d /) ]] || skip "/dev is no file system of its own"
  one_revision
  expect_exit 1 "$varve" restore job@latest /dev/no-such-device
  expect_output 'no device /dev/no-such-device'
  [[ ! -e /dev/no-such-device ]]
}

test_closed_standard_output_is_an_error() {
  one_revision
  local status=0
  "$varve" restore job@latest - >&- 2>messages || status=$?
  expect_equal "$status" 1 "exit status"
  grep 'standard output is closed' messages
}

test_forced_restore_over_a_larger_file_full_of_data() {
  one_revision
  random_bytes 70000000 2 >old.raw
  "$varve" restore job@latest old.raw --force
  expect_same_bytes disk.raw old.raw
}

test_verify_reads_the_target_back() {
  one_revision
  expect_exit 0 "$varve" restore job@latest out.raw --verify
  expect_output 'verif|compared'
  expect_same_bytes disk.raw out.raw
}

test_block_device_with_old_data() {
  needs_loop
  one_revision
  random_bytes $((64 << 20)) 3 >target.raw
  attach_loop "$work/target.raw"
  "$varve" restore job@latest "$loop_device" --verify
  cmp --bytes="$(stat -c %s disk.raw)" disk.raw "$loop_device"
}

test_too_small_block_device_is_refused_untouched() {
  needs_loop
  one_revision
  random_bytes $((47 << 20)) 4 >target.raw
  cp target.raw before.raw
  attach_loop "$work/target.raw"
  expect_exit 1 "$varve" restore job@latest "$loop_device"
  expect_output 'small|bytes'
  detach_loop "$loop_device"
  expect_same_bytes before.raw target.raw
}

test_mounted_block_device_is_refused() {
  needs_loop
  one_revision
  make_file_system target.raw 64M
  attach_loop "$work/target.raw"
  mkdir mounted
  mount_until_exit "$loop_device" mounted
  expect_exit 1 "$varve" restore job@latest "$loop_device"
  expect_output 'mounted|in use'
  expect_exit 1 "$varve" restore job@latest "$loop_device" --force
  expect_equal "$(cat mounted/etc/greeting)" "hello from the guest"
}

test_block_device_in_use_is_refused() {
  needs_loop
  one_revision
  truncate -s 64M target.raw
  attach_loop "$work/target.raw"
  # O_EXCL on a block device is how LVM, multipath and mkfs claim it.
  python3 -c 'import os, sys, time
os.open(sys.argv[1], os.O_RDWR | os.O_EXCL); print("claimed", flush=True); time.sleep(60)' \
    "$loop_device" >claimed &
  defer stop_process $!
  wait_until 10 grep -q claimed claimed
  expect_exit 1 "$varve" restore job@latest "$loop_device"
  expect_output 'in use|busy'
}

test_reader_that_goes_away_is_no_crash() {
  one_revision
  local status=0
  set +o pipefail
  { "$varve" restore job@latest - 2>message || echo $? >status; } | head -c 100000 >/dev/null
  set -o pipefail
  status=$(cat status)
  # Either its own exit status, or that of a process ended by SIGPIPE.
  [[ $status == 1 || $status == 141 ]] || fail "exit status $status: $(cat message)"
  expect_exit 0 "$varve" restore job@latest out.raw
}

test_full_standard_output_is_an_error() {
  [[ -e /dev/full ]] || skip "no /dev/full"
  one_revision
  local status=0
  "$varve" restore job@latest - >/dev/full 2>message || status=$?
  expect_equal "$status" 1 "exit status"
  output=$(<message)
  expect_output 'space'
}

test_directory_is_no_target() {
  one_revision
  mkdir target
  expect_exit 1 "$varve" restore job@latest target
  expect_exit 1 "$varve" restore job@latest no/such/directory/out.raw
  expect_exit 1 "$varve" restore job@latest target --force
}

