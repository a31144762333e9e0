# Sources that call data a hole, and targets that cannot make holes.

# build_shim NAME: sets `shim` to the library made of lib/shims/NAME.c.
build_shim() {
  shim=$work/$1.so
  gcc -shared -fPIC -o "$shim" "$integration/lib/shims/$1.c"
}

# sparse_revision: job@latest, 64 MiB with 4 MB of data in two places.
sparse_revision() {
  "$varve" init
  truncate -s 64M disk.raw
  random_bytes 2000000 1 | dd of=disk.raw conv=notrunc status=none
  random_bytes 2000000 2 | dd of=disk.raw bs=1M seek=40 conv=notrunc status=none
  "$varve" backup job disk.raw
}

# expect_sparse FILE: it takes little more than the data.
expect_sparse() {
  local mebibytes
  mebibytes=$(du --block-size=1M "$1" | cut -f1)
  ((mebibytes < 8)) || fail "$1 takes $mebibytes MiB"
}

# attach_discarding_loop FILE: a loop device that passes on what is discarded. The kernel keeps a limit
# that somebody gave to a device, also of 0, when another file is attached to it.
attach_discarding_loop() {
  local tries
  for ((tries = 0; tries < 16; tries++)); do
    attach_loop "$1"
    (($(cat "/sys/block/${loop_device##*/}/queue/discard_max_bytes") == 0)) || return 0
  done
  fail "no loop device discards"
}

test_data_that_the_map_of_blocks_shows_is_read() {
  "$varve" init
  build_shim lying-holes
  random_bytes 3000000 1 >disk.raw
  sync disk.raw
  expect_exit 0 env LD_PRELOAD="$shim" "$varve" backup job disk.raw
  expect_output 'reports holes.* in 1 place, .*offset 0'
  "$varve" restore job@0 out.raw
  expect_same_bytes disk.raw out.raw
}

test_data_called_a_hole_fails_the_verification() {
  "$varve" init
  build_shim lying-holes
  random_bytes 3000000 1 >disk.raw
  local share
  for share in full auto 20%; do
    expect_exit 1 env LD_PRELOAD="$shim" NO_BLOCK_MAP=1 \
      "$varve" backup job disk.raw --verify "$share"
    expect_output 'lacks data.*--read-holes'
    expect_output '3002368 bytes are allocated'
    expect_equal "$("$varve" show --json job@0 | jq -r .trust)" distrusted
  done
  expect_exit 0 env LD_PRELOAD="$shim" NO_BLOCK_MAP=1 \
    "$varve" backup job disk.raw --verify none
  expect_output '3002368 bytes are allocated'
  expect_exit 0 env LD_PRELOAD="$shim" NO_BLOCK_MAP=1 \
    "$varve" backup job disk.raw --verify full --read-holes
  "$varve" restore job@0 out.raw
  expect_same_bytes disk.raw out.raw
}

test_reserved_blocks_are_holes_without_a_warning() {
  "$varve" init
  random_bytes 1000000 1 >disk.raw
  fallocate --length 20M disk.raw
  expect_exit 0 "$varve" backup job disk.raw --verify full
  ! grep -q warning <<<"$output" || fail "$output"
  "$varve" backup job disk.raw --json --read-holes >report.json
  expect_equal "$(jq .verification.comparedHoleBytes report.json)" 0
}

test_restores_without_hole_punching_write_no_zeros() {
  needs_loop
  sparse_revision
  build_shim no-fallocate
  LD_PRELOAD=$shim "$varve" restore job@0 out.raw --verify
  expect_same_bytes disk.raw out.raw
  expect_sparse out.raw
  # A device that can neither zero nor discard, fresh and full of other content.
  truncate -s 64M fresh.raw
  attach_discarding_loop "$work/fresh.raw"
  LD_PRELOAD=$shim NO_DISCARD=1 "$varve" restore job@0 "$loop_device"
  expect_same_bytes disk.raw "$loop_device"
  expect_sparse fresh.raw
  random_bytes $((64 << 20)) 3 >"$loop_device"
  LD_PRELOAD=$shim NO_DISCARD=1 "$varve" restore job@0 "$loop_device"
  expect_same_bytes disk.raw "$loop_device"
  # One that can discard: what is zero is freed.
  random_bytes $((64 << 20)) 3 >"$loop_device"
  LD_PRELOAD=$shim "$varve" restore job@0 "$loop_device"
  expect_same_bytes disk.raw "$loop_device"
  expect_sparse fresh.raw
}

test_server_that_answers_nothing_can_be_left() {
  sparse_revision
  nbdkit --exit-with-parent --foreground --unix "$work/nbd.sock" --filter=delay memory 64M delay-write=600 &
  defer kill -KILL $!
  wait_until 10 test -S nbd.sock
  local signal restore status began
  for signal in INT:130 TERM:143; do
    interruptible "$varve" restore job@0 "nbd+unix:///?socket=$work/nbd.sock" 2>message &
    restore=$! status=0
    sleep 3
    is_running "$restore" || fail "it ended: $(cat message)"
    began=$SECONDS
    kill "-${signal%:*}" "$restore"
    wait "$restore" || status=$?
    ((SECONDS - began < 15)) || fail "took $((SECONDS - began)) s"
    expect_equal "$status" "${signal#*:}"
    grep -q "SIG${signal%:*}" message || fail "$(cat message)"
  done
}

test_exports_of_whole_sectors() {
  "$varve" init
  random_bytes 3000000 1 >disk.raw
  "$varve" backup job disk.raw --verify none
  start_server job@0 --whole-sectors --writable
  expect_equal "$(nbdinfo --size "$(nbd_uri '')")" 3000320
  nbdcopy "$(nbd_uri '')" out.raw
  cmp --bytes=3000000 disk.raw out.raw
  expect_equal "$(tail -c 320 out.raw | tr -d '\0' | wc -c)" 0
  /usr/bin/python3 -m nbd --uri "$(nbd_uri '')" --command '
h.pwrite(b"x" * 192 + b"\0" * 320, 2999808)
assert h.pread(512, 2999808) == b"x" * 192 + b"\0" * 320
h.zero(512, 2999808)
h.trim(320, 3000000)
assert h.pread(512, 2999808) == b"\0" * 512
try:
    h.pwrite(b"y" * 512, 2999808)
    assert False
except nbd.Error as error:
    assert error.errno == "ENOSPC", error
'
}
