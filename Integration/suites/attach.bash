# `varve attach`, `detach` and `mount` with Debian's kernel, which has network block devices, in a guest.

# shellcheck source=../lib/guest.bash
source "$integration/lib/guest.bash"

test_attach_and_detach() {
  back_up_old_and_new
  in_guest_with_varve <<'GUEST'
varve attach web01@1 /dev/nbd0
[ -b /dev/nbd0p1 ]
[ "$(blockdev --getsize64 /dev/nbd0)" = 167772160 ]
[ "$(blockdev --getro /dev/nbd0)" = 1 ]
mount -r -t ext4 -o noload /dev/nbd0p1 /mnt
[ "$(cat /mnt/note)" = "old words" ]
(cd /mnt && sha256sum -c SHA256SUMS)
refused 'mounted at /mnt' varve detach /dev/nbd0
refused 'in use for web01' varve attach web01 /dev/nbd0
umount /mnt
varve detach /dev/nbd0
expect_nothing_left
refused 'not attached by varve' varve detach /dev/nbd0

# Writable, over several connections; what is written is there until it is detached.
varve attach web01@0 /dev/nbd3 --writable --connections 4
mount -t ext4 /dev/nbd3p1 /mnt
[ ! -e /mnt/note ]
dd if=/dev/urandom of=/mnt/written bs=1M count=20 2>/dev/null
sum=$(sha256sum </mnt/written)
umount /mnt
echo 3 >/proc/sys/vm/drop_caches
mount -r -t ext4 /dev/nbd3p1 /mnt
[ "$(sha256sum </mnt/written)" = "$sum" ]
umount /mnt
varve detach /dev/nbd3
expect_nothing_left
varve attach web01@0 /dev/nbd3 --writable
mount -r -t ext4 /dev/nbd3p1 /mnt
[ ! -e /mnt/written ]
umount /mnt
varve detach /dev/nbd3
expect_nothing_left
GUEST
}

test_attach_a_volume_that_ends_within_a_sector() {
  "$varve" init
  random_bytes 3000000 1 >disk.raw
  "$varve" backup job disk.raw
  in_guest_with_varve -t 600 -f "$work/disk.raw:/disk.raw" <<'GUEST'
varve attach job /dev/nbd0 --writable
[ "$(blockdev --getsize64 /dev/nbd0)" = 3000320 ]
{ cat /disk.raw && head -c 320 /dev/zero; } | cmp - /dev/nbd0
head -c 3000000 /dev/zero | tr '\0' x | dd of=/dev/nbd0 bs=1000 conv=notrunc,fsync 2>/dev/null
echo 3 >/proc/sys/vm/drop_caches
{ head -c 3000000 /dev/zero | tr '\0' x && head -c 320 /dev/zero; } | cmp - /dev/nbd0
varve detach /dev/nbd0
GUEST
}

test_attach_where_something_is_missing() {
  back_up_old_and_new
  in_guest_with_varve -p setpriv <<'GUEST'
refused 'no revision|no job|unknown' varve attach nobody /dev/nbd0
refused root setpriv --reuid=65534 --clear-groups varve attach web01 /dev/nbd0
refused 'there is no /dev/nbd99' varve attach web01 /dev/nbd99
# Someone else's device.
varve serve --unix /run/socket &
wait_until test -S /run/socket
nbd-client -unix /run/socket -N web01@0 /dev/nbd1 -readonly
refused 'in use' varve attach web01 /dev/nbd1
refused 'not attached by varve' varve detach /dev/nbd1
nbd-client -d /dev/nbd1
kill %1
wait || true
expect_nothing_left
# No client.
mv "$(command -v nbd-client)" /hidden
refused 'nbd-client is not installed' varve attach web01 /dev/nbd0
# Neither way of mounting.
refused 'nbdfuse' varve mount web01 /mnt
cp /hidden /usr/sbin/nbd-client
# No driver.
rmmod nbd
mv /lib/modules /hidden-modules
refused 'no network block devices' varve attach web01 /dev/nbd0
expect_nothing_left
GUEST
}

test_detach_cleans_up_after_the_server_died_or_the_machine_restarted() {
  back_up_old_and_new
  in_guest_with_varve <<'GUEST'
varve attach web01@1 /dev/nbd0
kill -KILL $(pgrep -f 'serve .*--unix')
# Errors, and no waiting.
! timeout 20 dd if=/dev/nbd0 of=/dev/null bs=1M iflag=direct 2>/dev/null || fail "it reads on"
varve detach /dev/nbd0
expect_nothing_left

varve attach web01@1 /dev/nbd0
nbd-client -d /dev/nbd0
kill -KILL $(pgrep -f 'serve .*--unix')
sed -i 's/"bootID": .*/"bootID": "an-earlier-one",/' /var/lib/varve/local-volumes/*/record
varve detach /dev/nbd0
expect_nothing_left

# The next one removes what is left of an earlier boot, too.
varve attach web01@1 /dev/nbd0
nbd-client -d /dev/nbd0
kill -KILL $(pgrep -f 'serve .*--unix')
sed -i 's/"bootID": .*/"bootID": "an-earlier-one",/' /var/lib/varve/local-volumes/*/record
varve attach web01@1 /dev/nbd0
[ "$(ls -d /var/lib/varve/local-volumes/*/ | wc -l)" = 1 ]
varve detach /dev/nbd0
expect_nothing_left
GUEST
}

test_mount_through_the_kernels_driver() {
  back_up_old_and_new
  in_guest_with_varve <<'GUEST'
varve mount web01@1 /mnt
grep -q '^/dev/nbd0p1 /mnt ext4 ro,nosuid,nodev,noexec' /proc/mounts || fail "$(cat /proc/mounts)"
[ "$(cat /mnt/note)" = "old words" ]
(cd /mnt && sha256sum -c SHA256SUMS)
varve mount web01@0 /mnt2 --partition 1 --read-write
grep -q '^/dev/nbd1p1 /mnt2 ext4 rw' /proc/mounts || fail "$(cat /proc/mounts)"
[ ! -e /mnt2/note ]
echo new words >/mnt2/note
varve mount
refused 'mounted from it' varve attach web01 /dev/nbd0
refused 'varve umount /mnt' varve detach /dev/nbd0
varve umount /mnt
varve umount /mnt2
expect_nothing_left
# The server dies.
varve mount web01@1 /mnt
kill -KILL $(pgrep -f 'serve .*--unix')
timeout 60 varve umount /mnt
expect_nothing_left
! grep ' /mnt ' /proc/mounts || fail "still mounted"
GUEST
}

# The machine that is backed up is the one that looks at the backup: the same names and identifiers.
test_volume_group_that_the_host_has_too() {
  "$varve" init
  truncate -s 96M host.raw
  in_guest_with_lvm -t 600 -d "$work/host.raw" <<'GUEST'
pvcreate -q /dev/vda
vgcreate -q vg0 /dev/vda
lvcreate -q -y -L 24M -n root vg0
lvcreate -q -y -L 16M -n data vg0
mkfs.ext4 -q -F /dev/vg0/root
mkfs.ext4 -q -F /dev/vg0/data
mount /dev/vg0/root /host
echo old >/host/note
sync
varve backup web01 /dev/vda
echo new >/host/note
sync

varve attach web01@0 /dev/nbd0 2>/tmp/said
grep 'vg0/root is /dev/vg0.nbd0/root, 24.0 MiB, ext4' /tmp/said || fail "$(cat /tmp/said)"
# The host's LVM sees no duplicate, and can change its own group.
vgs 2>&1 | tee /tmp/vgs
! grep -i 'duplicate\|warning' /tmp/vgs || fail "the host is disturbed"
lvcreate -q -y -s -L 8M -n snap vg0/root
lvcreate -q -y -L 4M -n more vg0
[ "$(dmsetup deps -o blkdevname vg0-data)" = "1 dependencies	: (vda)" ]
[ "$(dmsetup deps -o blkdevname vg0.nbd0-root)" = "1 dependencies	: (nbd0)" ]
# What is attached to read cannot be written to.
! dd if=/dev/zero of=/dev/vg0.nbd0/data bs=4k count=1 oflag=direct 2>/dev/null || fail "written"
mount -r -t ext4 -o noload /dev/vg0.nbd0/root /mnt
[ "$(cat /mnt/note)" = old ]
[ "$(cat /host/note)" = new ]
refused '/dev/mapper/vg0.nbd0-root is mounted at /mnt' varve detach /dev/nbd0
umount /mnt
# The same disk twice.
varve attach web01@0 /dev/nbd1 --writable
mount -t ext4 /dev/vg0.nbd1/root /mnt
echo written >/mnt/note
umount /mnt
exec 7</dev/vg0.nbd1/data
refused 'vg0.nbd1-data is held open by process [0-9]+ .bash' varve detach /dev/nbd1
exec 7<&-
varve detach /dev/nbd1
varve detach /dev/nbd0
expect_nothing_left
! dmsetup ls | grep nbd || fail "a logical volume is left"
[ ! -e /dev/vg0.nbd0 ] && [ ! -e /dev/vg0.nbd1 ]

# Bit by bit, where that is asked for.
varve attach web01@0 /dev/nbd0 --exact
varve restore web01@0 - | cmp - /dev/nbd0
varve detach /dev/nbd0
umount /host
GUEST
}

test_logical_volumes_are_mounted_by_name_beside_the_hosts_own() {
  "$varve" init
  truncate -s 64M host.raw
  in_guest_with_lvm -t 600 -d "$work/host.raw" <<'GUEST'
pvcreate -q /dev/vda
vgcreate -q vg0 /dev/vda
lvcreate -q -y -L 16M -n root vg0
lvcreate -q -y -L 16M -n data vg0
mkfs.ext4 -q -F /dev/vg0/root
mkfs.ext4 -q -F /dev/vg0/data
mount /dev/vg0/root /host
echo old >/host/note
sync
varve backup web01 /dev/vda --verify none
echo new >/host/note
sync
# By name, with the journal replayed.
refused 'several logical volumes with file systems.*' varve mount web01@0 /mnt
refused 'vg0/data +16.0 MiB +ext4' varve mount web01@0 /mnt
refused 'no logical volume vg0/nothing' varve mount web01@0 /mnt --logical-volume vg0/nothing
varve mount web01@0 /mnt --logical-volume vg0/root
[ "$(cat /mnt/note)" = old ]
varve mount | grep vg0/root
varve umount /mnt
expect_nothing_left
! dmsetup ls | grep -v '^vg0-' || fail "a logical volume is left"

# The server dies under a mounted logical volume.
varve mount web01@0 /mnt --logical-volume data --read-write
kill -KILL $(pgrep -f 'serve .*--unix')
timeout 60 varve umount /mnt
expect_nothing_left
! dmsetup ls | grep -v '^vg0-' || fail "a logical volume is left"
varve attach web01@0 /dev/nbd0
kill -KILL $(pgrep -f 'serve .*--unix')
timeout 60 varve detach /dev/nbd0
expect_nothing_left
! dmsetup ls | grep -v '^vg0-' || fail "a logical volume is left"
[ "$(cat /host/note)" = new ]
vgs
umount /host
GUEST
}

# Everything is refused that would take a device away from somebody, and says from whom.
test_detach_names_who_uses_the_device() {
  back_up_old_and_new
  in_guest_with_varve -p unshare <<'GUEST'
varve attach web01@0 /dev/nbd0 --writable
sleep 100 </dev/nbd0p1 &
reader=$!
refused "/dev/nbd0p1 is held open by process $reader \(sleep\)" varve detach /dev/nbd0
kill $reader
wait $reader || true
mount -t ext4 /dev/nbd0p1 /mnt
sleep 100 </mnt/SHA256SUMS &
reader=$!
umount -l /mnt
refused "unmounted, but process $reader \(sleep\) still uses its files" varve detach /dev/nbd0
[ "$(blockdev --getsize64 /dev/nbd0)" = 167772160 ]
kill $reader
wait $reader || true
varve detach /dev/nbd0
expect_nothing_left

varve mount web01@0 /mnt
sleep 100 </mnt/SHA256SUMS &
reader=$!
refused "busy.*process $reader \(sleep\) uses it" varve umount /mnt
kill $reader
wait $reader || true
varve umount /mnt

# In another mount namespace.
varve attach web01@0 /dev/nbd0 --writable
unshare --mount --propagation private sh -c 'mount -t ext4 /dev/nbd0p1 /mnt && sleep 100' &
keeper=$!
wait_until pgrep -x sleep
refused "is mounted at /mnt for process" varve detach /dev/nbd0
kill $(pgrep -x sleep) $keeper || true
wait $keeper || true
varve detach /dev/nbd0
expect_nothing_left
GUEST
}
