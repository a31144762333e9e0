# Writable exports: overlays that go with their connection, and those that are kept.

# prepare_overlays: job@latest is disk.raw; overlays go to a directory of the test's own.
prepare_overlays() {
  export VARVE_OVERLAYS=$work/overlays
  "$varve" init
  make_mixed_volume disk.raw 48 1
  "$varve" backup job disk.raw
  repository_sums >sums
}

# repository_sums: of every file that says what the repository holds. Pins say what overlays hold.
repository_sums() {
  (cd "$VARVE_REPOSITORY" && find . -path ./index -prune -o -path ./sessions -prune -o \
    -path ./pins -prune -o -type f -exec sha256sum {} + | sort -k2)
}

expect_repository_untouched() {
  repository_sums | diff sums - || fail "the repository has changed"
  "$varve" restore job@latest - | cmp - disk.raw
}

overlay_files() { find "$VARVE_OVERLAYS" -type f; }

kill_server() {
  kill -KILL "$server_pid"
  wait "$server_pid" 2>/dev/null || true
}

end_server() {
  kill -TERM "$server_pid"
  wait "$server_pid" || fail "the server ended with $?: $(cat serve.log)"
}

test_what_a_connection_writes_is_gone_with_it() {
  prepare_overlays
  start_server --writable --overlay-directory "$work/scratch"
  local uri
  uri=$(nbd_uri job@latest)
  nbdsh -u "$uri" -c '
assert not h.is_read_only() and not h.can_multi_conn()
assert h.can_flush() and h.can_fua() and h.can_trim() and h.can_zero() and h.can_fast_zero()
before = h.pread(9, 4090)
h.pwrite(b"overlay!!", 4090)
h.flush()
assert h.pread(9, 4090) == b"overlay!!"
other = nbd.NBD()
other.connect_uri(h.get_uri())
assert other.pread(9, 4090) == before, "another connection has a disk of its own"
'
  expect_equal "$(find scratch -type f | wc -l)" 0 "files with names"
  qemu-img compare -f raw -F raw disk.raw "$uri"
  end_server
  expect_equal "$(find scratch -mindepth 1 | wc -l)" 0 "what is left"
  expect_repository_untouched
}

test_a_named_overlay_is_shared_and_survives_the_server() {
  prepare_overlays
  start_server job@latest --overlay repair
  random_bytes "$(stat -c %s disk.raw)" 5 >other.raw
  # Four connections write into one disk, in no order.
  nbdcopy --connections=4 --requests=16 --flush other.raw "$(nbd_uri "")"
  nbdcopy "$(nbd_uri job@latest)" - | cmp - other.raw
  end_server
  start_server --overlay repair
  nbdcopy --connections=4 "$(nbd_uri "")" copy.raw
  expect_same_bytes other.raw copy.raw
  nbdinfo --json "$(nbd_uri "")" >info.json
  jq -e '.exports[0] | .can_multi_conn and (.is_read_only | not) and
    (.description | startswith("overlay repair on "))' info.json || fail "$(cat info.json)"
  expect_repository_untouched
}

# writer SEED LOG True|False: writes and zeroes until it is ended, and logs what it is about to write,
# and when all of that is kept: once it was flushed, or just answered.
writer() {
  cat >writer.py <<'PYTHON'
import random
random.seed(seed)
size, number = h.get_size(), 0
while True:
    batch = []
    for _ in range(random.randint(1, 8)):
        number += 1
        length = random.choice([1, 512, 4096, 5000, 70000])
        fill = 0 if random.randrange(4) == 0 else (seed * 31 + number) % 255 + 1
        batch.append((random.randrange(0, size - length), length, fill))
    log.write("".join("%d %d %d\n" % write for write in batch))
    for offset, length, fill in batch:
        if fill == 0:
            h.zero(length, offset)
        else:
            h.pwrite(bytes([fill]) * length, offset, nbd.CMD_FLAG_FUA * flushes * random.randrange(2))
    if flushes:
        h.flush()
    log.write("kept\n")
PYTHON
  nbdsh -u "$(nbd_uri "")" -c "seed, log, flushes = $1, open('$2', 'w', buffering=1), $3" \
    -c "exec(open('writer.py').read())"
}

# check_kept BEFORE LOG FOUND: every byte is what was last kept of it, or was in flight.
check_kept() {
  python3 - "$@" <<'PYTHON'
import sys
image = bytearray(open(sys.argv[1], "rb").read())
found = open(sys.argv[3], "rb").read()
batch, count = [], 0
for line in open(sys.argv[2]).read().split("\n")[:-1]:
    if line != "kept":
        batch.append(tuple(map(int, line.split())))
        continue
    for offset, length, fill in batch:
        image[offset : offset + length] = bytes([fill]) * length
    batch, count = [], count + 1
assert len(image) == len(found)
for start in range(0, len(image), 4096):
    if image[start : start + 4096] == found[start : start + 4096]:
        continue
    for at in range(start, min(start + 4096, len(image))):
        if image[at] != found[at] and not any(
            offset <= at < offset + length and found[at] == fill for offset, length, fill in batch
        ):
            sys.exit("byte %d is %d, expected %d" % (at, found[at], image[at]))
print("%d batches, %d writes in flight" % (count, len(batch)))
PYTHON
}

has_kept() { (($(grep -c kept "$1" || true) >= $2)); }

# Flushed or just answered: what is answered is in the page cache.
test_nothing_answered_is_lost_when_the_server_is_killed() {
  prepare_overlays
  local round flushes reference=(job@latest)
  for round in 1 2 3 4; do
    flushes=$( ((round % 2)) && echo True || echo False)
    start_server "${reference[@]}" --overlay repair
    reference=()
    nbdcopy "$(nbd_uri "")" before.raw
    : >writes.log
    writer "$round" writes.log "$flushes" 2>writer.log &
    wait_until 20 has_kept writes.log 40 || fail "$(cat writer.log serve.log)"
    kill_server
    wait $! || true
    start_server --overlay repair
    nbdcopy "$(nbd_uri "")" found.raw
    if ((round > 2)); then end_server; else kill_server; fi
    check_kept before.raw writes.log found.raw || fail "round $round"
  done
  expect_repository_untouched
}

test_one_server_at_a_time_has_an_overlay() {
  prepare_overlays
  start_server job@latest --overlay repair
  expect_exit 1 timeout 20 "$varve" serve --unix "$work/second.sock" --overlay repair
  expect_output "the overlay 'repair' is open in another process"
  expect_exit 1 "$varve" overlay remove repair
  expect_exit 1 "$varve" overlay commit repair
  expect_output "another process"
  "$varve" overlay list --json >list.json
  jq -e 'length == 1 and .[0].isInUse' list.json || fail "$(cat list.json)"
  nbdinfo --size "$(nbd_uri "")"
  kill_server
  expect_exit 0 "$varve" overlay list
  expect_output 'repair +job '
  "$varve" overlay remove repair
  expect_equal "$("$varve" overlay list --json)" "[]"
  expect_exit 1 "$varve" overlay remove repair
  expect_output "no overlay 'repair'"
}

test_a_server_that_does_not_start_leaves_no_overlay() {
  prepare_overlays
  start_server
  expect_exit 1 "$varve" serve job@latest --overlay new --unix "$server_socket"
  expect_output "its new overlay 'new' was removed"
  expect_equal "$("$varve" overlay list --json)" "[]"
  "$varve" pin list --json | jq -e ".pins == []"
  expect_exit 1 "$varve" serve job@latest --overlay new --unix "$work/new.sock" --pidfile /nowhere/pid
  expect_output "its new overlay 'new' was removed"
  "$varve" pin list --json | jq -e ".pins == []"
  # One that was there before stays.
  start_server job@latest --overlay old
  end_server
  start_server
  expect_exit 1 "$varve" serve --overlay old --unix "$server_socket"
  expect_equal "$("$varve" overlay list --json | jq -r '.[].name')" old
}

test_an_overlay_of_a_damaged_revision_is_not_called_gone() {
  prepare_overlays
  start_server job@latest --overlay mine
  end_server
  local file
  file=$VARVE_REPOSITORY/revisions/$("$varve" show --json job@latest | jq -er .id)
  : >"$file"
  expect_exit 0 "$varve" overlay list
  expect_output 'its revision cannot be read'
  "$varve" overlay list --json | jq -e '.[0].revisionIsGone == false'
}

test_what_an_overlay_is_made_on() {
  prepare_overlays
  local mistake
  expect_exit 2 "$varve" serve --overlay new
  expect_output "varve serve web01@latest --overlay new"
  expect_exit 2 "$varve" serve job@0 job@first --overlay new
  expect_exit 2 "$varve" serve job --overlay new --writable
  expect_exit 2 "$varve" serve job --overlay-directory "$work/x"
  expect_exit 1 "$varve" serve job@latest/vdz --overlay new
  expect_exit 1 "$varve" serve job --overlay new --overlay-directory "$VARVE_REPOSITORY/overlays"
  expect_output "inside the repository"
  expect_exit 1 "$varve" serve job --writable --overlay-directory "$VARVE_REPOSITORY"
  expect_equal "$("$varve" overlay list --json)" "[]" "overlays that mistakes made"
  start_server job --overlay repair
  end_server
  # A later revision does not move the overlay, and says so.
  random_bytes 1000000 9 >other.raw
  "$varve" backup job other.raw --accept-unusual
  "$varve" backup stranger other.raw
  start_server job@latest --overlay repair
  grep -q "stays on revision" serve.log || fail "$(cat serve.log)"
  expect_equal "$(nbdinfo --size "$(nbd_uri job@latest)")" "$(stat -c %s disk.raw)"
  expect_exit 1 nbdinfo --size "$(nbd_uri stranger)"
  end_server
  expect_exit 1 "$varve" serve stranger --overlay repair
  expect_output "belongs to job 'job'"
}

test_commit_makes_a_revision_of_what_clients_saw() {
  prepare_overlays
  local parent before committed
  parent=$("$varve" show --json job@latest | jq -er .id)
  start_server job@latest --overlay repair
  qemu-io -f raw -d unmap -t writeback -c 'write -P 0x5a 1000001 70001' -c 'write -z 8M 2M' \
    -c 'discard 12M 1M' -c flush "$(nbd_uri "")"
  nbdcopy "$(nbd_uri "")" seen.raw
  end_server
  before=$(repository_bytes)
  "$varve" overlay commit repair --tag repaired --json >commit.json
  committed=$(jq -er .id commit.json)
  expect_equal "$("$varve" show --json job@latest | jq -er .id)" "$committed"
  jq -e --arg parent "$parent" '.revision.parent == $parent and .revision.tags == ["repaired"] and
    .revision.trust == "verified" and .revision.volumes[0].readBytes < 4000000' commit.json ||
    fail "$(cat commit.json)"
  expect_at_most $(($(repository_bytes) - before)) 200000 "bytes that the revision takes"
  "$varve" restore job@tag:repaired - | cmp - seen.raw
  "$varve" restore job@1 - | cmp - disk.raw
  expect_equal "$("$varve" overlay list --json)" "[]" "overlays after the commit"
  expect_exit 0 "$varve" verify --all
}

test_commit_to_another_job_keeps_the_overlay() {
  prepare_overlays
  start_server job@latest --overlay repair
  qemu-io -f raw -c 'write -P 0x11 0 4k' -c flush "$(nbd_uri "")"
  end_server
  "$varve" overlay commit repair --job experiment --keep
  "$varve" restore experiment experiment.raw
  qemu-io -r -f raw -c 'read -P 0x11 0 4k' experiment.raw
  start_server --overlay repair
  qemu-io -f raw -c 'read -P 0x11 0 4k' -c 'write -P 0x22 4k 4k' -c flush "$(nbd_uri "")"
  end_server
  random_bytes 1000 9 >other.raw
  "$varve" backup job other.raw --accept-unusual
  expect_exit 0 "$varve" overlay commit repair
  expect_output "1 revision newer than the overlay's"
  "$varve" restore job@1 - | cmp - other.raw
  "$varve" restore job@2 - | cmp - disk.raw
  expect_exit 0 "$varve" verify --all
}

test_an_encrypted_repository() {
  export VARVE_PASSPHRASE=secret VARVE_OVERLAYS=$work/overlays
  "$varve" init --encrypt passphrase
  make_mixed_volume disk.raw 12 1
  "$varve" backup job disk.raw
  start_server job@latest --overlay repair
  qemu-io -f raw -c 'write -P 0x5a 1000001 70001' -c flush "$(nbd_uri "")"
  nbdcopy "$(nbd_uri "")" seen.raw
  end_server
  "$varve" overlay list | grep -q repair
  "$varve" overlay commit repair
  "$varve" restore job@latest - | cmp - seen.raw
  expect_equal "$(find overlays -type f -perm /077 | wc -l)" 0 "files that others can read"
}

# The overlay's own file system runs full: whoever writes is told, and nothing else is lost.
test_a_full_file_system() {
  needs_root
  small_file_system 24M
  prepare_overlays
  start_server job@latest --overlay repair --overlay-directory "$small/overlays"
  cat >fill.py <<'PYTHON'
import errno
piece, written = 1 << 20, 0
try:
    for offset in range(0, h.get_size(), piece):
        h.pwrite(b"\x77" * piece, offset)
        written += 1
    raise SystemExit("the file system never ran full")
except nbd.Error as error:
    assert error.errnum == errno.ENOSPC, error
assert written > 4
h.flush()
assert all(h.pread(piece, number * piece) == b"\x77" * piece for number in range(written))
h.pwrite(b"in place", 100)
h.trim(4 << 20, 0)
h.flush()
h.pwrite(b"there is room again", 20 << 20)
h.flush()
print(written)
PYTHON
  nbdsh -u "$(nbd_uri "")" -c "exec(open('fill.py').read())" >written
  kill_server
  start_server --overlay repair --overlay-directory "$small/overlays"
  nbdsh -u "$(nbd_uri "")" -c "
assert h.pread(4 << 20, 0) == bytes(4 << 20)
assert h.pread(19, 20 << 20) == b'there is room again'
assert h.pread(1 << 20, ($(cat written) - 1) << 20) == b'\x77' * (1 << 20)"
  end_server
  expect_repository_untouched
}

# Journals are replayed into the overlay; no file is missing, and the revision stays as it is.
test_disks_that_lost_power_mount_with_every_file() {
  needs_root
  needs_loop
  needs_fuse
  export VARVE_OVERLAYS=$work/overlays
  "$varve" init
  local type
  for type in ext4 xfs btrfs; do
    make_crashed_disk "$type" "$type.raw"
    "$varve" backup "$type" "$type.raw"
  done
  repository_sums >sums
  mkdir mounted
  start_server --writable
  for type in ext4 xfs btrfs; do
    show_as_file "$(nbd_uri "$type@latest")"
    attach_loop "$export_file" --read-only
    expect_exit 32 mount -t "$type" -o ro "$loop_device" mounted
    detach_loop "$loop_device"
    show_as_writable_file "$(nbd_uri "$type@latest")"
    expect_crashed_disk_complete "$type" "$export_file"
  done
  end_server
  for type in ext4 xfs btrfs; do
    start_server "$type@latest" --overlay "$type"
    show_as_writable_file "$(nbd_uri "")"
    expect_crashed_disk_complete "$type" "$export_file"
    fusermount3 -u "${export_file%/*}"
    end_server
    "$varve" restore "$type@latest" - | cmp - "$type.raw"
  done
  repository_sums | diff sums - || fail "the repository has changed"
  # What the replay wrote is kept, so that the disk can be mounted read-only now.
  start_server --overlay xfs
  show_as_file "$(nbd_uri "")"
  attach_loop "$export_file" --read-only
  mount -t xfs -o ro "$loop_device" mounted
  expect_equal "$(cat mounted/dir/late.txt)" "late xfs"
  umount mounted
}

# expect_crashed_disk_complete TYPE FILE
expect_crashed_disk_complete() {
  attach_loop "$2"
  mount -t "$1" -o ro "$loop_device" mounted
  expect_equal "$(cat mounted/dir/early.txt)" "early $1"
  expect_equal "$(cat mounted/dir/late.txt)" "late $1"
  random_bytes 3000000 4 | cmp - mounted/dir/blob
  umount mounted
  detach_loop "$loop_device"
}

# Discarding and committing cost what there is, not what there could be.
test_20_tib_that_are_mostly_empty() {
  make_memory_directory
  export VARVE_OVERLAYS=$memory/overlays
  "$varve" init
  truncate -s 20T "$memory/disk.raw"
  random_bytes 3000000 1 | dd of="$memory/disk.raw" bs=1M oflag=seek_bytes seek=$((7 << 40)) \
    conv=notrunc iflag=fullblock status=none
  "$varve" backup job "$memory/disk.raw"
  start_server job@latest --overlay large
  # shellcheck disable=SC2016
  PATH=/usr/bin:$PATH timeout 120 nbdsh -u "$(nbd_uri "")" -c '
size, step = h.get_size(), 1 << 31
for offset in range(0, size, step):
    h.trim(min(step, size - offset), offset)
assert h.pread(1 << 20, 7 << 40) == bytes(1 << 20)
h.pwrite(b"at the end", size - 10)
h.pwrite(b"in the middle", 10 << 40)
h.flush()'
  expect_at_most "$(du --summarize --block-size=1 "$VARVE_OVERLAYS" | cut -f1)" 1000000 \
    "bytes of the overlay"
  expect_at_most "$(awk '/VmHWM/ { print $2 }' "/proc/$server_pid/status")" 262144 "KiB of memory"
  end_server
  # Nearly all is trimmed.
  timeout 60 "$varve" overlay commit large --accept-unusual --json >commit.json
  jq -e '.revision.volumes[0] | .readBytes <= 1000000 and .dataBytes <= 1000000' commit.json ||
    fail "$(cat commit.json)"
  start_server
  nbdsh -u "$(nbd_uri job@latest)" -c '
assert h.pread(10, h.get_size() - 10) == b"at the end"
assert h.pread(13, 10 << 40) == b"in the middle"
assert h.pread(1 << 20, 7 << 40) == bytes(1 << 20)'
}

# What was written and flushed stays usable, whatever is pruned, forgotten and collected meanwhile.
test_an_overlay_pins_its_revision() {
  prepare_overlays
  local id pin
  id=$("$varve" show job@latest --json | jq -r .id)
  start_server job@latest --overlay repair
  nbdsh -u "$(nbd_uri "")" -c 'h.pwrite(b"kept", 1 << 20); h.flush()'
  "$varve" pin list --json >pins.json
  jq -e --arg id "$id" '.pins | length == 1 and .[0].revision == $id and .[0].state == "inUse" and
    .[0].owner == "overlay repair" and .[0].job == "job"' pins.json || fail "$(cat pins.json)"
  pin=$(jq -r '.pins[0].id' pins.json)
  end_server
  for seed in 2 3; do
    make_mixed_volume other.raw 48 "$seed"
    "$varve" backup job other.raw
  done
  expect_exit 1 "$varve" forget job@first
  expect_output "pinned by overlay repair on .* \(pin $pin\).*varve pin release $pin --yes"
  expect_exit 1 "$varve" forget "$id" --yes --force-protected
  expect_exit 1 "$varve" forget --job job --yes
  expect_exit 0 "$varve" prune --keep-last 1 --yes
  expect_output "${id:0:12} .*keep +pinned by overlay repair"
  "$varve" gc --yes
  start_server --overlay repair
  nbdsh -u "$(nbd_uri "")" -c 'assert h.pread(6, (1 << 20) - 1)[1:5] == b"kept"'
  end_server
  "$varve" overlay commit repair --tag repaired
  expect_exit 0 "$varve" pin list
  expect_output "no pins"
  "$varve" restore job@tag:repaired - >found.raw
  printf kept | dd of=disk.raw conv=notrunc bs=1M seek=1 status=none
  expect_same_bytes disk.raw found.raw
  "$varve" forget "$id"
}

# As a program does that knows no pins: what it forgot is not collected, and the overlay goes on.
test_a_pin_holds_against_an_older_program() {
  prepare_overlays
  start_server job@latest --overlay repair
  end_server
  "$varve" backup job disk.raw --verify none
  mkdir -p "$VARVE_REPOSITORY/forgotten"
  local id
  id=$("$varve" show job@first --json | jq -r .id)
  mv "$VARVE_REPOSITORY/revisions/$id" "$VARVE_REPOSITORY/forgotten/"
  "$varve" gc --yes
  expect_exit 0 "$varve" overlay list
  expect_output "its revision is forgotten,"
  start_server --overlay repair
  nbdcopy "$(nbd_uri "")" - | cmp - disk.raw
  end_server
  "$varve" overlay remove repair
  "$varve" gc --yes
  [[ ! -e $VARVE_REPOSITORY/forgotten/$id ]] || fail "the revision is still kept"
}

# Pins that nothing needs are named as such, and released by hand.
test_pins_are_listed_and_released() {
  prepare_overlays
  start_server job@latest --overlay repair
  end_server
  local pin
  pin=$("$varve" pin list --json | jq -r '.pins[0].id')
  expect_exit 1 "$varve" pin release "${pin:0:6}"
  expect_output "overlay repair still exists.*add --yes"
  cp -a "$VARVE_REPOSITORY" copy
  expect_exit 0 "$varve" pin list -r copy
  expect_output " copied "
  expect_output "copy of .*$VARVE_REPOSITORY.*release ${pin:0:8} --yes"
  expect_exit 1 "$varve" pin release -r copy "$pin"
  "$varve" pin release -r copy "$pin" --yes --json >released.json
  jq -e --arg pin "$pin" '.releasedPins == [$pin]' released.json
  # An overlay that somebody deletes by other means leaves a pin that keeps its revision for nothing.
  rm -r "$VARVE_OVERLAYS"
  expect_exit 0 "$varve" pin list
  expect_output " stale "
  expect_exit 1 "$varve" forget job@latest --yes
  expect_exit 1 "$varve" pin release abcd1234abcd
  expect_exit 2 "$varve" pin release xyz
  "$varve" pin release "${pin:0:4}"
  "$varve" forget job@latest --yes
}

# A pin that cannot be read stops whatever deletes, and the messages say how to go on.
test_a_damaged_pin() {
  prepare_overlays
  start_server job@latest --overlay repair
  end_server
  local pin file command
  pin=$("$varve" pin list --json | jq -r '.pins[0].id')
  file=$VARVE_REPOSITORY/pins/$pin
  cp -p "$file" kept
  printf x | dd of="$file" conv=notrunc bs=1 seek=70 status=none
  for command in "gc" "prune --keep-last 1" "forget job@latest --yes"; do
    # shellcheck disable=SC2086
    expect_exit 1 "$varve" $command
    expect_output "varve pin release $pin --yes"
  done
  expect_exit 1 "$varve" pin list
  expect_exit 1 "$varve" check-repository
  expect_output "damaged: pins/$pin: .*varve pin release $pin --yes"
  expect_exit 1 "$varve" pin release "$pin"
  # The overlay knows what it needs: opening it mends the pin.
  start_server --overlay repair
  end_server
  "$varve" check-repository
  cp "$file" again
  rm "$file"
  mkdir "$file"
  expect_exit 1 "$varve" gc
  rmdir "$file"
  mv again "$file"
  "$varve" gc
}

# Where nothing can be written to the repository, the overlay works, and says that it is not pinned.
test_a_read_only_repository() {
  prepare_overlays
  mount --bind "$VARVE_REPOSITORY" "$VARVE_REPOSITORY"
  defer umount "$VARVE_REPOSITORY"
  mount -o remount,bind,ro "$VARVE_REPOSITORY"
  start_server job@latest --overlay repair
  grep -q "the overlay 'repair' is not pinned.*Read-only file system" serve.log || fail "$(cat serve.log)"
  nbdsh -u "$(nbd_uri "")" -c 'h.pwrite(b"kept", 5); h.flush(); assert h.pread(4, 5) == b"kept"'
  expect_exit 0 "$varve" overlay list
  expect_output "in use, not"
  expect_equal "$("$varve" overlay list --json | jq -r '.[0].pin')" null "pin of the overlay"
  end_server
  mount -o remount,bind,rw "$VARVE_REPOSITORY"
  start_server --overlay repair
  end_server
  expect_exit 1 "$varve" forget job@latest --yes
  # What is removed while nothing can be released leaves a pin, and says so.
  mount -o remount,bind,ro "$VARVE_REPOSITORY"
  expect_exit 0 "$varve" overlay remove repair
  expect_output "its pin was not released.*varve pin release"
}

# An overlay whose revision is gone says so; it can still be removed.
test_an_overlay_whose_revision_is_gone() {
  prepare_overlays
  start_server job@latest --overlay repair
  end_server
  rm "$VARVE_REPOSITORY"/revisions/*
  random_bytes 1000 1 >other.raw
  "$varve" backup job other.raw
  expect_exit 0 "$varve" overlay list
  expect_output "its revision is gone"
  expect_exit 1 timeout 20 "$varve" serve --overlay repair --unix "$work/s.sock"
  expect_output "no longer in the repository"
  expect_exit 1 "$varve" overlay commit repair
  "$varve" overlay remove repair
}
