# A guest with Debian's kernel and its own nbd-client mounts an ext4 partition of an export.

# shellcheck source=../lib/guest.bash
source "$integration/lib/guest.bash"

test_guest_mounts_an_old_revision() {
  back_up_old_and_new
  start_tcp_server
  cat >in-guest <<GUEST
set -ex
modprobe nbd max_part=16
nbd-client -l 10.0.2.2 -p $server_port
# By the revision's bare id, as the kernel's own client would be used in a pinch.
nbd-client -N $("$varve" show --json web01@1 | jq -er .id) 10.0.2.2 $server_port /dev/nbd0 -readonly
: </dev/nbd0
sleep 0.2
mount -r -t ext4 -o noload /dev/nbd0p1 /mnt
[ "\$(cat /mnt/note)" = "old words" ]
(cd /mnt && sha256sum -c SHA256SUMS)
umount /mnt
nbd-client -d /dev/nbd0
nbd-client -N web01@latest -C 4 10.0.2.2 $server_port /dev/nbd1 -readonly
: </dev/nbd1
sleep 0.2
mount -r -t ext4 -o noload /dev/nbd1p1 /mnt
[ ! -e /mnt/note ]
(cd /mnt && sha256sum -c SHA256SUMS)
umount /mnt
nbd-client -d /dev/nbd1
echo GUEST-READ-BOTH
GUEST
  "$integration/testbed/run-guest" -t 240 in-guest >guest.log 2>&1 ||
    fail "$(cat guest.log serve.log)"
  grep -q GUEST-READ-BOTH guest.log || fail "$(cat guest.log)"
}
