# Every NBD client that Debian has, against `varve serve`.

# serve_two_revisions: job@1 is first.raw, job@0 is second.raw; sets `first` and `second`, their URIs.
serve_two_revisions() {
  "$varve" init
  make_mixed_volume first.raw 96 1
  "$varve" backup job first.raw
  cp --sparse=always first.raw second.raw
  write_random second.raw 5000000 200000 2
  truncate -s +1M second.raw
  "$varve" backup job second.raw
  start_server
  first=$(nbd_uri job@1) second=$(nbd_uri job@0)
}

test_nbdinfo_describes_an_export_exactly() {
  serve_two_revisions
  expect_equal "$(nbdinfo --size "$first")" "$(stat -c %s first.raw)"
  nbdinfo --json "$second" >info.json
  jq -e --argjson size "$(stat -c %s second.raw)" '.exports[0] |
    .["export-size"] == $size and .is_read_only and .can_multi_conn and
    .contexts[0] == "base:allocation" and (.contexts | length) == 2 and .["block_size_minimum"] == 1' info.json ||
    fail "$(cat info.json)"
  nbdinfo --can connect "$first" || true
  nbdinfo --is read-only "$first"
  nbdinfo --can multi-conn "$first"
}

test_nbdinfo_lists_every_revision() {
  serve_two_revisions
  nbdinfo --list --json "nbd+unix://?socket=$server_socket" >list.json
  local id
  for id in $("$varve" revisions --json | jq -r '.[].id'); do
    grep -q "$id" list.json || fail "$id is not listed: $(cat list.json)"
  done
  jq -e '.exports | length >= 2 and all(.description != "")' list.json || fail "$(cat list.json)"
}

test_nbdinfo_map_shows_the_holes() {
  serve_two_revisions
  nbdinfo --map --json "$first" >map.json
  # A third is random and a third is text, so about a third is hole; chunks round it down.
  jq -e '([.[] | select(.type == 3) | .length] | add) > 30000000' map.json
  expect_equal "$(jq '[.[].length] | add' map.json)" "$(stat -c %s first.raw)" "mapped bytes"
}

test_every_name_of_a_revision_is_an_export() {
  serve_two_revisions
  local id name
  id=$("$varve" show --json job@1 | jq -er .id)
  for name in "$id" "job@$id" "job@${id:0:20}" job@1 job@first; do
    expect_equal "$(nbdinfo --size "$(nbd_uri "$name")")" "$(stat -c %s first.raw)" "$name"
  done
  expect_equal "$(nbdinfo --size "$(nbd_uri job@latest)")" "$(stat -c %s second.raw)"
  expect_exit 1 nbdinfo --size "$(nbd_uri job@99)"
  expect_exit 1 nbdinfo --size "$(nbd_uri nobody@latest)"
  nbdinfo --size "$second"
}

test_nbdcopy_over_one_and_over_several_connections() {
  serve_two_revisions
  local connections
  for connections in 1 2 8; do
    rm -f copy.raw
    nbdcopy --connections="$connections" --requests=32 "$second" copy.raw
    expect_same_bytes second.raw copy.raw
  done
  nbdcopy "$first" - | cmp - first.raw
  nbdcopy --synchronous "$first" - | cmp - first.raw
}

test_a_revision_made_while_serving_is_offered() {
  serve_two_revisions
  random_bytes 3000000 3 >third.raw
  "$varve" backup job third.raw --accept-unusual
  nbdcopy "$(nbd_uri job@latest)" - | cmp - third.raw
  nbdcopy "$(nbd_uri job@1)" - | cmp - second.raw
}

test_qemu_img() {
  serve_two_revisions
  qemu-img info "$first"
  qemu-img compare -f raw -F raw first.raw "$first"
  expect_exit 1 qemu-img compare -f raw -F raw first.raw "$second"
  qemu-img convert -f raw -O qcow2 "$second" copy.qcow2
  qemu-img compare -f raw -F qcow2 second.raw copy.qcow2
  qemu-img map --output=json -f raw "$first" | jq -e 'any(.zero)'
  # An overlay on top of an export is how a revision is tried out without copying it.
  qemu-img create -q -f qcow2 -F raw -b "$first" overlay.qcow2
  qemu-io -f qcow2 -c 'write -P 0x5a 1M 64k' -c 'read -P 0x5a 1M 64k' overlay.qcow2
  qemu-img compare -f raw -F raw first.raw "$first"
}

test_qemu_nbd_lists_exports() {
  serve_two_revisions
  qemu-nbd --list --socket="$server_socket" >list
  grep -q 'exports available: [1-9]' list || fail "$(cat list)"
  grep -q 'base:allocation' list || fail "$(cat list)"
}

test_qemu_io_reads_unaligned_and_cannot_write() {
  serve_two_revisions
  qemu-io --read-only -f raw -c 'read 1 1' -c 'read 131071 2' -c 'read 12345 1000001' "$first"
  expect_exit 1 qemu-io -f raw -c 'write 0 512' "$first"
}

test_fio_random_reads() {
  fio --enghelp=nbd >/dev/null || skip "this fio has no NBD engine"
  serve_two_revisions
  fio --name=reads --ioengine=nbd --uri="$first" --rw=randread --bs=4k --iodepth=16 --size=90M \
    --time_based --runtime=3 --output-format=json --output=fio.json
  jq -e '.jobs[0] | .error == 0 and .read.total_ios > 1000' fio.json
}

test_nbdsh_structured_reads_and_errors() {
  serve_two_revisions
  FIRST=$first /usr/bin/python3 - <<'PYTHON'
import errno, os, nbd
h = nbd.NBD()
h.add_meta_context("base:allocation")
h.connect_uri(os.environ["FIRST"])
raw = open("first.raw", "rb")
size = h.get_size()
assert h.get_structured_replies_negotiated()
for offset, length in [(0, 1), (size - 1, 1), (131071, 2), (1 << 20, 32 << 20), (size - 7, 7)]:
    raw.seek(offset)
    assert h.pread(length, offset) == raw.read(length), (offset, length)
# Many requests in flight, answered in any order.
buffers = [(nbd.Buffer(65536), offset) for offset in range(0, 64 << 20, 65536)]
cookies = {h.aio_pread(buffer, offset) for buffer, offset in buffers}
while h.aio_in_flight() > 0:
    h.poll(10000)
for cookie in cookies:
    assert h.aio_command_completed(cookie)
for buffer, offset in buffers:
    raw.seek(offset)
    assert buffer.to_bytearray() == raw.read(65536), offset
h.set_strict_mode(0)
for call, wanted in [
    (lambda: h.pwrite(b"x" * 512, 0), errno.EPERM),
    (lambda: h.trim(512, 0), errno.EPERM),
    (lambda: h.zero(512, 0), errno.EPERM),
    (lambda: h.pread(2, size - 1), errno.EINVAL),
]:
    try:
        call()
    except nbd.Error as error:
        assert error.errnum == wanted, (error, wanted)
    else:
        raise AssertionError("no error")
raw.seek(0)
assert h.pread(512, 0) == raw.read(512), "the connection survives refused requests"
h.shutdown()
PYTHON
}

test_file_system_of_a_partition_through_nbdfuse_and_loop() {
  needs_loop
  needs_fuse
  "$varve" init
  mkdir tree
  echo "old words" >tree/note
  random_bytes 5000000 4 >tree/blob
  make_disk disk.raw 128M tree
  "$varve" backup job disk.raw
  find_ext_partition disk.raw
  printf 'rm /note\n' >commands
  change_guest disk.raw commands
  "$varve" backup job disk.raw
  start_server
  show_as_file "$(nbd_uri job@1)"
  mkdir mounted
  mount_until_exit -o "ro,loop,noload,offset=$partition_offset,sizelimit=$partition_bytes" \
    "$export_file" mounted
  expect_equal "$(cat mounted/note)" "old words"
  cmp tree/blob mounted/blob
}

test_tcp_listens_on_loopback_alone() {
  "$varve" init
  random_bytes 100000 5 >disk.raw
  "$varve" backup job disk.raw
  start_tcp_server
  nbdcopy "nbd://127.0.0.1:$server_port/job@latest" - | cmp - disk.raw
  local address
  address=$(ss --listening --tcp --numeric --no-header "sport = :$server_port" | awk '{print $4}')
  expect_equal "$address" "127.0.0.1:$server_port"
}

test_unix_alone_opens_no_tcp_port() {
  "$varve" init
  start_server
  expect_equal "$(ss --listening --tcp --no-header --processes | grep -c "pid=$server_pid," || true)" 0
}

test_export_of_20_TiB_answers_at_once() {
  "$varve" init
  make_memory_directory
  local disk=$memory/disk.raw
  truncate -s 20T "$disk"
  write_random "$disk" $((13 << 40)) 4096 6
  "$varve" backup job "$disk"
  start_server
  URI=$(nbd_uri job@latest) DISK=$disk /usr/bin/python3 - <<'PYTHON'
import nbd, os
h = nbd.NBD()
h.connect_uri(os.environ["URI"])
assert h.get_size() == 20 << 40
disk = open(os.environ["DISK"], "rb")
disk.seek(13 << 40)
assert h.pread(4096, 13 << 40) == disk.read(4096)
assert h.pread(4096, (20 << 40) - 4096) == bytes(4096)
PYTHON
  nbdinfo --map "$(nbd_uri job@latest)"
}

test_a_client_that_does_not_read_hurts_nobody() {
  serve_two_revisions
  SOCKET=$server_socket /usr/bin/python3 - <<'PYTHON' &
import os, nbd, time
h = nbd.NBD()
h.connect_uri("nbd+unix:///job@1?socket=" + os.environ["SOCKET"])
buffers = [nbd.Buffer(1 << 20) for _ in range(90)]
for number, buffer in enumerate(buffers):
    h.aio_pread(buffer, number << 20)
time.sleep(60)
PYTHON
  defer stop_process $!
  local round
  for round in 1 2 3; do
    timeout 20 nbdcopy "$second" - | cmp - second.raw || fail "round $round"
  done
}

test_garbage_on_the_socket_hurts_nobody() {
  serve_two_revisions
  local seed
  for seed in $(seq 1 "$(long_tests && echo 200 || echo 20)"); do
    random_bytes $((seed * 997)) "$seed" |
      timeout 5 python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
try:
    s.sendall(sys.stdin.buffer.read())
    s.shutdown(socket.SHUT_WR)
    while s.recv(65536): pass
except OSError: pass' "$server_socket" || fail "the server kept the connection of seed $seed"
  done
  nbdcopy "$first" - | cmp - first.raw
}
