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
refused 'attached nothing' varve detach /dev/nbd0

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
refused 'attached nothing' varve detach /dev/nbd1
nbd-client -d /dev/nbd1
kill %1
wait || true
expect_nothing_left
# No client.
mv "$(command -v nbd-client)" /hidden
refused 'no nbd-client' varve attach web01 /dev/nbd0
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
