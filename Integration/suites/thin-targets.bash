# Restores to targets that the guest's kernel has: thin volumes take the space that the data takes, and a
# pool that is full ends a restore; a file system that keeps no holes says so.

# shellcheck source=../lib/guest.bash
source "$integration/lib/guest.bash"

# small_revision: job@latest, 128 MiB with 8 MB of data in two places.
small_revision() {
  "$varve" init
  truncate -s 128M disk.raw
  random_bytes 4000000 1 | dd of=disk.raw conv=notrunc status=none
  random_bytes 4000000 2 | dd of=disk.raw bs=1M seek=100 conv=notrunc status=none
  "$varve" backup job disk.raw
}

in_thin_guest() {
  truncate -s 400M thin.raw
  { echo 'pvcreate -q /dev/vda; vgcreate -q vg /dev/vda' && cat; } |
    in_guest_with_lvm -t 600 -d "$work/thin.raw" "$@"
}

test_thin_volumes_take_what_the_data_takes() {
  small_revision
  sha256sum <disk.raw >sum
  in_thin_guest -f "$work/sum:/sum" <<'GUEST'
mapped_sectors() { dmsetup status "$1" | awk '{ print $4 }'; }
lvcreate -q -y -T -L 60M -c 64k vg/pool
# A fresh one.
lvcreate -q -y -V 128M -T vg/pool -n fresh
varve restore job@latest /dev/vg/fresh
sha256sum </dev/vg/fresh | cmp - /sum
[ "$(mapped_sectors vg-fresh)" -lt 20480 ]
# One that is full of other content: what is zero now is freed.
dd if=/dev/urandom of=/dev/vg/fresh bs=1M count=30 seek=50 conv=fsync 2>/dev/null
varve restore job@latest /dev/vg/fresh --verify
sha256sum </dev/vg/fresh | cmp - /sum
[ "$(mapped_sectors vg-fresh)" -lt 20480 ]
lvremove -q -y vg/pool
# A pool whose blocks are large and come with what another volume left in them.
lvcreate -q -y -T -L 60M -c 1m -Zn vg/pool
lvcreate -q -y -V 56M -T vg/pool -n old
dd if=/dev/urandom of=/dev/vg/old bs=1M count=56 conv=fsync 2>/dev/null
lvremove -q -y vg/old
lvcreate -q -y -V 128M -T vg/pool -n unzeroed
varve restore job@latest /dev/vg/unzeroed
sha256sum </dev/vg/unzeroed | cmp - /sum
[ "$(mapped_sectors vg-unzeroed)" -lt 24576 ]
GUEST
}

test_full_thin_pool_ends_the_restore() {
  "$varve" init
  random_bytes 24000000 1 >disk.raw
  "$varve" backup job disk.raw
  in_thin_guest <<'GUEST'
# Without this the pool would give up by itself after a minute.
modprobe dm-thin-pool
echo 0 >/sys/module/dm_thin_pool/parameters/no_space_timeout
lvcreate -q -y -T -L 8M vg/pool --errorwhenfull y
lvcreate -q -y -V 100M -T vg/pool -n refusing
began=$SECONDS
refused 'pool is probably full' varve restore job@latest /dev/vg/refusing
# Less than the patience with a device that answers nothing.
[ $((SECONDS - began)) -lt 240 ]
lvremove -q -y vg/pool
# The device takes nothing and answers nothing: no signal ends a thread that waits for it.
lvcreate -q -y -T -L 8M vg/pool --errorwhenfull n
lvcreate -q -y -V 100M -T vg/pool -n queueing
# With job control a process in the background heeds SIGINT.
set -m
varve restore job@latest /dev/vg/queueing 2>/tmp/said &
set +m
restore=$!
wait_until sh -c 'dmsetup status vg-pool-tpool | grep out_of_data_space'
sleep 2
kill -0 $restore || fail "it ended: $(cat /tmp/said)"
began=$SECONDS
kill -INT $restore
status=0
wait $restore || status=$?
[ $((SECONDS - began)) -lt 12 ] || fail "took $((SECONDS - began)) s"
[ $status = 130 ] || fail "status $status: $(cat /tmp/said)"
grep -q 'SIGINT' /tmp/said || fail "$(cat /tmp/said)"
# Room for all that is in memory lets the process go that waited for the device.
lvextend -q -y -L +24M vg/pool
wait_until bash -c '! pgrep varve'
GUEST
}

test_file_system_that_keeps_no_holes() {
  small_revision
  truncate -s 200M vfat.raw
  make_bare_file_system vfat vfat.raw
  sha256sum <disk.raw >sum
  in_guest_with_varve -t 600 -f "$work/sum:/sum" -d "$work/vfat.raw" -k vfat -k nls_cp437 -k nls_ascii \
    -k nls_utf8 <<'GUEST'
modprobe vfat
for name in nls_cp437 nls_ascii nls_utf8; do modprobe $name || true; done
mount -t vfat /dev/vda /mnt
varve restore job@latest /mnt/out.raw --verify
sha256sum </mnt/out.raw | cmp - /sum
refused 'does not support holes' varve restore job@latest /mnt/second.raw
[ "$(ls /mnt)" = out.raw ]
GUEST
}
