# The quickstart, as a newcomer runs it.

run_quickstart() {
  VARVE_PROGRAM=$varve TMPDIR=$work/tmp "$integration/quickstart" "$@" >quickstart.log 2>&1 ||
    fail "$(cat quickstart.log)"
}

# expect_clean: nothing of it is left: no file, process, mount or loop device.
expect_clean() {
  expect_equal "$(find "$work/tmp" -mindepth 1)" "" "what is left in the temporary directory"
  ! grep "$work/tmp" /proc/mounts || fail "a mount is left"
  ! losetup --list --noheadings --output BACK-FILE 2>/dev/null | grep "$work/tmp" ||
    fail "a loop device is left"
  ! pgrep --full -- "$work/tmp" || fail "a process is left"
}

test_quickstart_with_its_own_disk() {
  mkdir tmp
  run_quickstart
  grep -q 'What to try next' quickstart.log
  grep -q 'identical' quickstart.log
  expect_clean
}

test_quickstart_never_changes_the_given_image() {
  mkdir tmp tree
  echo "a file" >tree/file
  random_bytes 3000000 1 >tree/blob
  make_disk image.raw 64M tree
  local before
  before=$(sha256sum image.raw)
  chmod 444 image.raw
  run_quickstart image.raw
  expect_equal "$(sha256sum image.raw)" "$before" "hash of the image"
  qemu-img convert -f raw -O qcow2 image.raw image.qcow2
  run_quickstart image.qcow2
  expect_clean
}

test_quickstart_with_an_image_without_a_file_system() {
  mkdir tmp
  make_mixed_volume image.raw 30 2
  run_quickstart image.raw
  expect_clean
}

test_quickstart_that_is_interrupted_cleans_up() {
  mkdir tmp
  VARVE_PROGRAM=$varve TMPDIR=$work/tmp "$integration/quickstart" >quickstart.log 2>&1 &
  local pid=$!
  wait_until 100 grep -q 'as a block device' quickstart.log || fail "$(cat quickstart.log)"
  kill -TERM "$pid"
  wait "$pid" || true
  expect_clean
}

test_quickstart_keeps_what_it_made_when_asked_to() {
  mkdir tmp
  run_quickstart --keep
  local kept
  kept=$(find tmp -mindepth 1 -maxdepth 1)
  expect_equal "$("$varve" revisions -r "$kept/repository" --json | jq length)" 2 "revisions kept"
}

test_quickstart_refuses_nonsense() {
  expect_exit 2 "$integration/quickstart" --nonsense
  expect_exit 2 "$integration/quickstart" no-such-image.raw
  expect_exit 0 "$integration/quickstart" --help
  expect_output 'IMAGE'
}
