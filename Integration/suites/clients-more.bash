# Clients that write, and those that are large: nbdsh, qemu-io, qcow2, fio, libguestfs, nbdkit's filters,
# a newer libnbd with extended headers, and the reference project's tester.

# shellcheck source=../lib/debian-source.bash
source "$integration/lib/debian-source.bash"

# serve_writable: job@latest is disk.raw; sets `uri`. Its overlay is shared and kept.
serve_writable() {
  "$varve" init
  make_mixed_volume disk.raw 96 1
  "$varve" backup job disk.raw
  start_server job@latest --overlay trial --overlay-directory "$work/overlays"
  uri=$(nbd_uri "")
}

expect_revision_unchanged() {
  "$varve" restore job@latest - | cmp - disk.raw
  expect_exit 0 "$varve" verify --all
}

test_nbdsh_writes_zeroes_and_trims() {
  serve_writable
  cat >script.py <<'PYTHON'
assert not h.is_read_only() and h.can_flush() and h.can_fua() and h.can_trim() and h.can_zero()
size = h.get_size()
h.pwrite(b"\x5a" * 70000, 12345)
assert h.pread(70000, 12345) == b"\x5a" * 70000
h.pwrite(b"last", size - 4, nbd.CMD_FLAG_FUA)
assert h.pread(4, size - 4) == b"last"
h.zero(1 << 20, 5 << 20)
assert h.pread(1 << 20, 5 << 20) == bytes(1 << 20)
h.trim(1 << 20, 7 << 20)
h.flush()
h.zero(4096, 8 << 20, nbd.CMD_FLAG_FAST_ZERO) if h.can_fast_zero() else None
h.shutdown()
PYTHON
  nbdsh --base-allocation -u "$uri" -c "exec(open('script.py').read())"
  # Another connection sees the same.
  nbdsh -u "$uri" -c 'assert h.pread(70000, 12345) == b"\x5a" * 70000'
  expect_revision_unchanged
}

test_qemu_io_writes_discards_and_flushes() {
  serve_writable
  qemu-io -f raw -t writeback -d unmap \
    -c 'write -P 0x11 1 70001' -c 'read -P 0x11 1 70001' \
    -c 'write -z 4M 3M' -c 'read -P 0 4M 3M' \
    -c 'write -z -u 9M 1M' -c 'read -P 0 9M 1M' \
    -c 'discard 12M 4M' -c 'write -f -P 0x22 20M 128k' -c flush -c 'read -P 0x22 20M 128k' "$uri"
  expect_revision_unchanged
}

test_qcow2_overlay_is_committed_into_an_export() {
  serve_writable
  qemu-img create -q -f qcow2 -F raw -b "$uri" overlay.qcow2
  qemu-io -f qcow2 -c 'write -P 0x5a 1M 300k' -c 'write -z 30M 5M' overlay.qcow2
  qemu-img convert -f qcow2 -O raw overlay.qcow2 expected.raw
  qemu-img commit -q overlay.qcow2
  qemu-img compare -f raw -F raw expected.raw "$uri"
  expect_exit 1 qemu-img compare -f raw -F raw disk.raw "$uri"
  expect_revision_unchanged
}

test_nbdcopy_and_qemu_img_convert_into_an_export() {
  serve_writable
  random_bytes "$(stat -c %s disk.raw)" 5 >other.raw
  nbdcopy --connections=4 --flush other.raw "$uri"
  nbdcopy "$uri" - | cmp - other.raw
  qemu-img convert -n -f raw -O raw disk.raw "$uri"
  qemu-img compare -f raw -F raw disk.raw "$uri"
  expect_revision_unchanged
}

test_fio_verifies_what_it_writes() {
  fio --enghelp=nbd >/dev/null || skip "this fio has no NBD engine"
  serve_writable
  local size=80M pattern
  for pattern in randwrite randrw write; do
    fio --name=verify --ioengine=nbd --uri="$uri" --rw="$pattern" --bsrange=512-64k --blockalign=512 \
      --iodepth=16 --size="$size" --io_size=40M --verify=crc32c --verify_fatal=1 --do_verify=1 \
      --fsync=100 --randseed=7 --output-format=json --output=fio.json || fail "$(cat fio.json)"
    jq -e '.jobs[0] | .error == 0 and .write.total_ios > 100' fio.json
  done
  expect_revision_unchanged
}

# What was flushed is there when the server was killed.
test_fio_verifies_after_the_server_was_killed() {
  fio --enghelp=nbd >/dev/null || skip "this fio has no NBD engine"
  serve_writable
  local job=(--name=verify --ioengine=nbd --rw=randwrite --bs=4k --iodepth=16 --size=32M
    --verify=crc32c --verify_fatal=1 --randseed=8 --end_fsync=1)
  fio "${job[@]}" --uri="$uri" --do_verify=0 --output=written.log
  kill -KILL "$server_pid"
  wait "$server_pid" || true
  start_server --overlay trial --overlay-directory "$work/overlays"
  fio "${job[@]}" --uri="$(nbd_uri "")" --verify_only --output=verified.log ||
    fail "$(cat verified.log)"
  expect_revision_unchanged
}

test_libguestfs_reads_files_of_a_disk_that_lost_power() {
  needs_root
  needs_loop
  export LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg LIBGUESTFS_CACHEDIR=$work
  "$varve" init
  make_crashed_disk ext4 disk.raw
  "$varve" backup job disk.raw
  start_server
  guestfish --ro --format=raw -a "nbd:///job@latest?socket=$server_socket" >said <<'GUESTFISH' ||
run
list-filesystems
mount-ro /dev/sda /
cat /dir/late.txt
checksum sha256 /dir/blob
GUESTFISH
    fail "$(cat said)"
  grep -q '/dev/sda: ext4' said || fail "$(cat said)"
  grep -q 'late ext4' said || fail "$(cat said)"
  grep -q "$(random_bytes 3000000 4 | sha256sum | cut -d' ' -f1)" said || fail "$(cat said)"
}

test_nbdkit_partition_filter_on_an_export() {
  "$varve" init
  mkdir tree
  echo "words in a partition" >tree/note
  make_disk disk.raw 64M tree
  "$varve" backup job disk.raw
  start_server
  find_ext_partition disk.raw
  # shellcheck disable=SC2016 # the variable is nbdkit's
  nbdkit --filter=partition nbd socket="$server_socket" export=job@latest partition=1 \
    --run 'nbdcopy "$uri" partition.raw'
  dd if=disk.raw bs=512 skip=$((partition_offset / 512)) count=$((partition_bytes / 512)) \
    status=none | cmp - partition.raw
}

# nbdinfo and nbdcopy of libnbd 1.22 ask for extended headers.
test_newer_libnbd_uses_extended_headers() {
  build_newer_libnbd
  serve_writable
  "$newer_libnbd/info/nbdinfo" "$uri" >info
  grep -q 'using extended packets' info || fail "$(cat info)"
  "$newer_libnbd/info/nbdinfo" --map --totals "$uri"
  "$newer_libnbd/info/nbdinfo" --map --json "$uri" >map.json
  expect_equal "$(jq '[.[].length] | add' map.json)" "$(stat -c %s disk.raw)" "mapped bytes"
  "$newer_libnbd/copy/nbdcopy" --connections=4 "$uri" - | cmp - disk.raw
  random_bytes "$(stat -c %s disk.raw)" 5 >other.raw
  "$newer_libnbd/copy/nbdcopy" --connections=4 --flush other.raw "$uri"
  "$newer_libnbd/copy/nbdcopy" "$uri" - | cmp - other.raw
  # Zeroing takes a single request, however long.
  truncate -s "$(stat -c %s disk.raw)" zeros.raw
  "$newer_libnbd/copy/nbdcopy" --destination-is-zero zeros.raw "$uri"
  "$newer_libnbd/copy/nbdcopy" zeros.raw "$uri"
  nbdcopy "$uri" - | cmp - zeros.raw
  expect_revision_unchanged
}

test_extent_of_20_TiB_in_one_extended_reply() {
  build_newer_libnbd
  "$varve" init
  make_memory_directory
  truncate -s 20T "$memory/disk.raw"
  "$varve" backup job "$memory/disk.raw"
  start_server
  "$newer_libnbd/info/nbdinfo" --map --json "$(nbd_uri job@latest)" >map.json
  # 64 bits need no splitting.
  jq -e 'length == 1 and .[0].length == 21990232555520 and .[0].type == 3' map.json ||
    fail "$(cat map.json)"
}

# The reference project's own tester: handshake, reads, writes, flushes, requests of unusual length, and a
# trace that is replayed with every read compared. Its other trace has requests over 32 MiB, which no
# client may send that has not asked whether it may.
test_nbd_tester_client() {
  build_nbd_tester
  "$varve" init
  truncate -s 52428800 disk.raw
  "$varve" backup job disk.raw
  start_server job@latest --overlay trial --overlay-directory "$work/overlays"
  # The trace begins with an empty disk.
  run_tester -i -t "$nbd_tester/integrity-test.tr"
  run_tester -h
  run_tester
  run_tester -w
  run_tester -w -f
  run_tester -o
  expect_revision_unchanged
}

# run_tester [OPTION...]: of nbd-tester-client.
run_tester() {
  timeout 120 "$nbd_tester/nbd-tester-client" -N job@latest -u "$server_socket" "$@" >tester.log 2>&1 ||
    fail "$(tail -c 1000 tester.log)"
}
