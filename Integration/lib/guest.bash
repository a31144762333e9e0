# A guest with Debian's kernel in which varve itself runs, see testbed/run-guest; and disks for it.

# back_up_partitioned_disk: web01@latest has a partition with ext4, and in it old words, a blob and its sum.
back_up_partitioned_disk() {
  "$varve" init
  mkdir tree
  echo "old words" >tree/note
  random_bytes 6000000 1 >tree/blob
  (cd tree && sha256sum blob >SHA256SUMS)
  make_disk disk.raw 160M tree
  "$varve" backup web01 disk.raw
}

# back_up_old_and_new: the same as web01@1, and without the old words as web01@0.
back_up_old_and_new() {
  back_up_partitioned_disk
  find_ext_partition disk.raw
  printf 'rm /note\n' >commands
  change_guest disk.raw commands
  "$varve" backup web01 disk.raw
}

# in_guest_with_varve [OPTION...]: runs the script on standard input in the guest, with the program,
# and $VARVE_REPOSITORY as it is here at /repository, whatever is done to it there; fails unless it comes
# to its end. Options are those of run-guest. The script begins with guest_prelude below.
in_guest_with_varve() {
  { guest_prelude && cat && echo "echo GUEST-DONE"; } >"$work/guest-script"
  {
    "$integration/testbed/run-guest" -t 300 -m 1536 -p "$varve" -p pgrep -p findmnt -p setsid \
      -k loop -k xfs -k btrfs -f "$VARVE_REPOSITORY:/repository" "$@" "$work/guest-script" \
      >"$work/guest.log" 2>&1 && grep -q '^GUEST-DONE' "$work/guest.log"
  } || fail "$(cat "$work/guest.log")"
}

# in_guest_with_lvm [OPTION...]: the same with LVM, whose programs are functions in the script, and no udev.
in_guest_with_lvm() {
  printf '%s\n' 'activation { udev_sync=0 udev_rules=0 monitoring=0 verify_udev_operations=0 }' \
    'devices { obtain_device_list_from_udev=0 use_devicesfile=0 }' 'backup { backup=0 archive=0 }' \
    'global { thin_check_executable="" }' >lvm.conf
  {
    echo 'export DM_DISABLE_UDEV=1; mkdir -p /run/lock /host; modprobe dm-mod; modprobe dm-snapshot'
    # shellcheck disable=SC2016 # for the guest
    echo 'for name in pvcreate vgcreate lvcreate lvextend lvremove vgchange vgs lvs pvs; do eval "$name() { lvm $name \"\$@\"; }"; done'
    cat
  } |
    in_guest_with_varve -p lvm -p dmsetup -p mkfs.ext4 -p setsid -k dm-mod -k dm-snapshot -k dm-thin-pool \
      -f "$work/lvm.conf:/etc/lvm/lvm.conf" "$@"
}

guest_prelude() {
  cat <<PRELUDE
set -e -o pipefail
mkdir -p /var/lib /var/tmp /mnt2
mount -t tmpfs tmpfs /var
mkdir -p /var/lib /var/tmp
export VARVE_REPOSITORY=/repository PATH=\$PATH:${varve%/*}
PRELUDE
  cat <<'PRELUDE'
fail() { echo "FAILED: $*"; exit 1; }
# refused PATTERN COMMAND...: it fails, and says why.
refused() {
  local pattern=$1 said
  shift
  ! said=$("$@" 2>&1) || fail "not refused: $*"
  grep -qiE -- "$pattern" <<<"$said" || fail "$* said: $said"
}
wait_until() {
  local tenths - && set +x
  for ((tenths = 0; tenths < 600; tenths++)); do
    ! "$@" || return 0
    sleep 0.1
  done
  fail "waited for $*"
}
expect_nothing_left() {
  [ "$(ls /var/lib/varve/local-volumes)" = lock ] || fail "left: $(ls /var/lib/varve/local-volumes)"
  ! pgrep -af 'varve serve' || fail "a server is left"
  ! ls /sys/block/nbd*/pid 2>/dev/null || fail "a device is left"
  ! ls /sys/block/loop*/loop/backing_file 2>/dev/null || fail "a loop device is left"
}
set -x
PRELUDE
}
