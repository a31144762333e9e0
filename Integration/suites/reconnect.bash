# A server that is killed and restarted under a disk that is mounted, in a guest with Debian's kernel.

# shellcheck source=../lib/guest.bash
source "$integration/lib/guest.bash"

# in_guest_with_python [OPTION...]: with testbed/kernel-nbd.py besides.
in_guest_with_python() {
  local library
  library=$(/usr/bin/python3 -c 'import os; print(os.path.dirname(os.__file__))')
  in_guest_with_varve -p /usr/bin/python3 -f "$library:$library" \
    -f "$integration/testbed/kernel-nbd.py:/kernel-nbd.py" "$@"
}

# What guest scripts here need. A socket file that a killed server left is no server.
server_functions() {
  cat <<'GUEST'
start() {
  rm -f /run/s
  setsid varve serve "$@" --unix /run/s &
  server=$!
  wait_until test -S /run/s
}
end_server() {
  kill -"$1" "$server"
  wait "$server" || true
}
kill_server() { end_server KILL; }
modprobe nbd
GUEST
}

test_read_only_mount_goes_on_when_the_server_is_back() {
  back_up_partitioned_disk
  in_guest_with_python <<GUEST
$(server_functions)
start web01@latest
python3 /kernel-nbd.py connect /dev/nbd0 /run/s "" 4
: </dev/nbd0
mount -r -t ext4 -o noload /dev/nbd0p1 /mnt
(cd /mnt && sha256sum -c SHA256SUMS)
for round in 1 2; do
  kill_server
  echo 3 >/proc/sys/vm/drop_caches
  (cd /mnt && sha256sum -c SHA256SUMS && cat note) >/tmp/read 2>&1 &
  reader=\$!
  sleep 2
  # It waits, and gets no error.
  kill -0 \$reader
  start web01@latest
  python3 /kernel-nbd.py reconnect /dev/nbd0 /run/s "" 4
  wait \$reader
  grep 'old words' /tmp/read
done
umount /mnt
nbd-client -d /dev/nbd0
GUEST
}

# However the server ends, and whatever is synced: what was answered is kept, and what was not the
# kernel, which is connected all the time, sends again.
test_writable_mount_goes_on_when_the_server_is_back() {
  back_up_partitioned_disk
  in_guest_with_python -p e2fsck <<GUEST
$(server_functions)
start web01@latest --overlay trial
python3 /kernel-nbd.py connect /dev/nbd0 /run/s "" 4
: </dev/nbd0
mount -t ext4 /dev/nbd0p1 /mnt
rm /mnt/note
(
  for number in \$(seq 40); do
    dd if=/dev/urandom of=/mnt/file-\$number bs=64k count=16 conv=fsync 2>/dev/null
    sha256sum /mnt/file-\$number >>/tmp/sums
  done
) &
writer=\$!
for signal in KILL TERM KILL TERM; do
  round=\$((\${round:-0} + 1))
  wait_until test -e /mnt/file-\$((round * 8))
  end_server \$signal
  sleep 1
  kill -0 \$writer
  start --overlay trial
  python3 /kernel-nbd.py reconnect /dev/nbd0 /run/s "" 4
done
wait \$writer
[ "\$(wc -l </tmp/sums)" = 40 ]
umount /mnt
nbd-client -d /dev/nbd0
kill_server
start --overlay trial
nbd-client -unix /run/s /dev/nbd1
: </dev/nbd1
e2fsck -fn /dev/nbd1p1
mount -t ext4 /dev/nbd1p1 /mnt
sha256sum -c /tmp/sums
(cd /mnt && sha256sum -c SHA256SUMS && [ ! -e note ])
umount /mnt
nbd-client -d /dev/nbd1
GUEST
}

# nbd-client itself does not come back: who reads gets errors at once, and connects anew.
test_nbd_client_is_told_at_once_and_connects_anew() {
  back_up_partitioned_disk
  in_guest_with_varve -p e2fsck <<GUEST
$(server_functions)
start web01@latest --overlay trial
nbd-client -unix /run/s /dev/nbd0 -connections 4
: </dev/nbd0
mount -t ext4 /dev/nbd0p1 /mnt
dd if=/dev/urandom of=/mnt/synced bs=1M count=8 conv=fsync 2>/dev/null
sync
sum=\$(sha256sum </mnt/synced)
kill_server
echo 3 >/proc/sys/vm/drop_caches
! timeout 20 dd if=/dev/nbd0 of=/dev/null bs=1M iflag=direct 2>/dev/null || fail "it reads on"
timeout 20 umount /mnt || umount -l /mnt
nbd-client -d /dev/nbd0
start --overlay trial
nbd-client -unix /run/s /dev/nbd1 -connections 4
: </dev/nbd1
# As after a power failure: the journal is replayed, and what was synced is there.
mount -t ext4 /dev/nbd1p1 /mnt
[ "\$(sha256sum </mnt/synced)" = "\$sum" ]
umount /mnt
e2fsck -fn /dev/nbd1p1
nbd-client -d /dev/nbd1
GUEST
}

test_disks_that_lost_power_through_a_writable_export() {
  needs_root
  needs_loop
  "$varve" init
  local type
  for type in ext4 xfs btrfs; do
    make_crashed_disk "$type" "$type.raw"
    "$varve" backup "$type" "$type.raw"
  done
  in_guest_with_varve <<GUEST
$(server_functions)
for type in ext4 xfs btrfs; do
  start \$type@latest
  nbd-client -unix /run/s /dev/nbd0 -readonly
  ! mount -r -t \$type /dev/nbd0 /mnt || fail "a journal was replayed without writing"
  nbd-client -d /dev/nbd0
  kill_server
  start \$type@latest --overlay \$type
  nbd-client -unix /run/s /dev/nbd1 -connections 4
  mount -r -t \$type /dev/nbd1 /mnt
  [ "\$(cat /mnt/dir/early.txt)" = "early \$type" ]
  [ "\$(cat /mnt/dir/late.txt)" = "late \$type" ]
  [ "\$(stat -c %s /mnt/dir/blob)" = 3000000 ]
  umount /mnt
  nbd-client -d /dev/nbd1
  kill_server
  # varve does the same by itself.
  varve mount \$type@latest /mnt
  grep '^/dev/nbd[0-9]* /mnt ' /proc/mounts
  [ "\$(cat /mnt/dir/late.txt)" = "late \$type" ]
  varve umount /mnt
  expect_nothing_left
done
GUEST
}
