# A machine boots from an overlay, writes to its disk, and the revision stays what it was.

# make_bootable_disk IMAGE: a small one, whose initial RAM disk mounts the partition for writing, says what
# it finds, changes it, and switches off.
make_bootable_disk() {
  local kernel
  cat >at-boot <<'GUEST'
set -ex
mount -t ext4 /dev/vda1 /mnt
echo "FOUND $(ls /mnt/written | wc -l)"
dd if=/dev/urandom of="/mnt/written/$(cat /proc/sys/kernel/random/uuid)" bs=1M count=4 2>/dev/null
rm -f /mnt/note
umount /mnt
echo GUEST-DONE
GUEST
  kernel=$(find /boot -name 'vmlinuz-*-amd64' | sort -V | tail -n 1)
  mkdir -p tree/boot tree/written
  echo "words that the machine removes" >tree/note
  "$integration/testbed/run-guest" -o tree/boot/initrd at-boot
  cp "$kernel" tree/boot/vmlinuz
  make_disk "$1" 256M tree
  install_boot_loader "$1" /boot/vmlinuz /boot/initrd
}

# make_debian_disk IMAGE: Debian as it is installed, with a service that does the same.
make_debian_disk() {
  mmdebstrap --quiet --variant=minbase --mode=root \
    --include=systemd-sysv,udev,linux-image-cloud-amd64 bookworm root
  cat >root/etc/systemd/system/trial.service <<'SERVICE'
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo FOUND $(ls /srv | wc -l) >/dev/ttyS1; touch /srv/$(cat /proc/sys/kernel/random/uuid); sync; echo GUEST-DONE >/dev/ttyS1; systemctl poweroff --force --force'
SERVICE
  mkdir -p root/etc/systemd/system/multi-user.target.wants
  ln -s ../trial.service root/etc/systemd/system/multi-user.target.wants/
  echo '/dev/vda1 / ext4 defaults 0 1' >root/etc/fstab
  make_disk "$1" 2G root
  install_boot_loader "$1" "/boot/$(basename root/boot/vmlinuz-*)" \
    "/boot/$(basename root/boot/initrd.img-*)"
}

# install_boot_loader IMAGE KERNEL INITRD: GRUB, which starts them without asking.
install_boot_loader() {
  cat >"$work/grub.cfg" <<GRUB
linux (hd0,msdos1)$2 root=/dev/vda1 console=ttyS0 panic=-1 mitigations=off random.trust_cpu=on quiet
initrd (hd0,msdos1)$3
boot
GRUB
  grub-mkimage --format i386-pc --output "$work/core.img" --prefix '(hd0,msdos1)/boot/grub' \
    --config "$work/grub.cfg" biosdisk part_msdos ext2 linux boot
  expect_at_most "$(stat -c %s "$work/core.img")" $((2047 * 512)) "bytes of GRUB"
  dd if=/usr/lib/grub/i386-pc/boot.img of="$1" bs=440 count=1 conv=notrunc status=none
  dd if="$work/core.img" of="$1" bs=512 seek=1 conv=notrunc status=none
}

# machine DRIVE: boots from it; what the script says is in machine.log then.
machine() {
  rm -f machine.log
  timeout --kill-after=5 200 qemu-system-x86_64 -accel tcg -cpu max -m 512 -display none -nodefaults \
    -no-user-config -no-reboot -serial file:console.log -serial file:machine.log \
    -drive "file=$1,format=raw,if=virtio,cache=writeback" </dev/null >qemu.log 2>&1 || true
  grep -q GUEST-DONE machine.log || fail "$(tail -n 30 machine.log console.log qemu.log serve.log)"
}

found_by_machine() { tr -d '\r' <machine.log | sed -n 's/^FOUND //p'; }

expect_revision_unchanged() {
  "$varve" restore web01@latest - | cmp - disk.raw
  expect_equal "$(count_revisions)" 1 "revisions"
  expect_exit 0 "$varve" verify --all
}

test_machine_boots_from_an_overlay_that_is_kept() {
  "$varve" init
  make_bootable_disk "$work/disk.raw"
  starts_from_a_kept_overlay
}

starts_from_a_kept_overlay() {
  "$varve" backup web01 disk.raw
  start_server web01@latest --overlay trial --overlay-directory "$work/overlays"
  machine "nbd+unix:///?socket=$server_socket"
  expect_equal "$(found_by_machine)" 0 "files of an earlier start"
  # It keeps what the machine wrote, also when the server was killed.
  kill -KILL "$server_pid"
  wait "$server_pid" || true
  start_server --overlay trial --overlay-directory "$work/overlays"
  machine "nbd+unix:///?socket=$server_socket"
  expect_equal "$(found_by_machine)" 1 "files of an earlier start"
  expect_revision_unchanged
}

test_machine_boots_from_an_overlay_that_is_thrown_away() {
  "$varve" init
  make_bootable_disk "$work/disk.raw"
  "$varve" backup web01 disk.raw
  export -f machine fail
  local start
  for start in 1 2; do
    # shellcheck disable=SC2016
    "$varve" run web01@latest --writable -- bash -c 'machine "$uri"'
    expect_equal "$(found_by_machine)" 0 "files of an earlier start"
  done
  expect_revision_unchanged
}

test_debian_boots_from_an_overlay() {
  needs_root
  "$varve" init
  make_debian_disk "$work/disk.raw"
  starts_from_a_kept_overlay
}
