# `varve mount` and `varve umount` on this machine's kernel: through nbdfuse and loop devices, where
# it has no network block devices of its own. The suite `attach` does it with Debian's kernel.

prepare_mounting() {
  needs_root
  needs_loop
  needs_fuse
  export VARVE_LOCAL_VOLUMES=$work/local-volumes
  mkdir -p mounted
  defer "$varve" umount mounted
}

# expect_nothing_left: neither mounts, nor devices, processes and directories.
expect_nothing_left() {
  expect_equal "$(ls "$VARVE_LOCAL_VOLUMES")" lock "what is left of local volumes"
  ! grep -F " $work/" /proc/self/mounts || fail "a mount is left"
  wait_until 5 no_loop_devices || fail "a loop device is left: $(losetup --list)"
  ! pgrep --list-full --full "$VARVE_LOCAL_VOLUMES" || fail "a process is left"
}

no_loop_devices() { ! losetup --list --noheadings --output BACK-FILE | grep -qF "$work/"; }

# server_of_mount, fuse_of_mount: process ids of what mount has started.
server_of_mount() { pgrep --full "serve .*--unix $VARVE_LOCAL_VOLUMES"; }
fuse_of_mount() { pgrep --full "^nbdfuse $VARVE_LOCAL_VOLUMES"; }

test_whole_disk_and_old_revision() {
  prepare_mounting
  "$varve" init
  make_file_system disk.raw 64M
  "$varve" backup web01 disk.raw
  make_file_system disk.raw 80M
  "$varve" backup web01 disk.raw
  local old
  old=$(sha256sum <"$VARVE_REPOSITORY"/revisions/*/* 2>/dev/null || true)
  "$varve" mount web01@1 mounted
  expect_equal "$(cat mounted/etc/greeting)" "hello from the guest"
  (cd mounted/data && sha256sum --check SHA256SUMS)
  expect_exit 1 touch mounted/new
  local options
  options=$(findmnt --noheadings --output OPTIONS "$work/mounted")
  for option in ro noexec nosuid nodev; do
    [[ ",$options," == *",$option,"* ]] || fail "no $option in $options"
  done
  "$varve" umount mounted
  expect_nothing_left
  expect_exit 1 "$varve" umount mounted
}

test_list_and_json() {
  prepare_mounting
  "$varve" init
  make_file_system disk.raw 64M
  "$varve" backup web01 disk.raw
  expect_equal "$("$varve" mount)" ""
  expect_equal "$("$varve" mount --json | jq length)" 0
  "$varve" mount web01@latest mounted --json |
    jq -e --arg directory "$work/mounted" --arg id "$(newest_revision web01)" \
      '.directory == $directory and .volume == "web01@\($id)" and .type == "ext4" and .readOnly and
        .state == "mounted" and .partition == null'
  "$varve" mount --json | jq -e 'length == 1 and .[0].state == "mounted"'
  # A long directory goes on below.
  "$varve" mount | grep -q "web01@.*ext4 .*mounted"
  expect_exit 1 "$varve" mount web01@latest mounted
  expect_output 'umount'
  "$varve" umount mounted
  expect_nothing_left
}

test_one_of_several_partitions() {
  prepare_mounting
  local types=(ext4 xfs btrfs) number loop
  truncate -s 900M disk.raw
  printf 'label: gpt\nsize=100M\nsize=320M\nsize=200M\nsize=50M\n' | sfdisk --quiet disk.raw
  for number in 1 2 3; do
    read -r start sectors < <(sfdisk --json disk.raw |
      jq -r ".partitiontable.partitions[$number - 1] | \"\(.start) \(.size)\"")
    attach_loop "$work/disk.raw" --offset $((start * 512)) --sizelimit $((sectors * 512))
    make_bare_file_system "${types[number - 1]}" "$loop_device"
    mkdir -p made
    mount "$loop_device" made
    echo "this is ${types[number - 1]}" >made/note
    umount made
    detach_loop "$loop_device"
  done
  "$varve" init
  "$varve" backup web01 disk.raw
  expect_exit 1 "$varve" mount web01 mounted
  expect_output '1 +100 MiB +ext4'
  expect_output '2 +320 MiB +xfs'
  expect_output '3 +200 MiB +btrfs'
  expect_output '4 +50.0 MiB +unknown'
  expect_exit 1 "$varve" mount web01 mounted --partition 9
  expect_output 'no partition 9'
  for number in 1 2 3; do
    "$varve" mount web01 mounted --partition "$number"
    expect_equal "$(cat mounted/note)" "this is ${types[number - 1]}"
    expect_equal "$(findmnt --noheadings --output FSTYPE "$work/mounted")" "${types[number - 1]}"
    "$varve" umount mounted
  done
  # What is no file system cannot be mounted, and nothing stays of the attempt.
  expect_exit 1 "$varve" mount web01 mounted --partition 4
  expect_nothing_left
}

test_logical_partition() {
  prepare_mounting
  truncate -s 200M disk.raw
  printf 'label: dos\nstart=2048,size=20M,type=82\nsize=160M,type=5\nstart=45056,size=20M,type=82\nstart=88064,size=100M,type=83\n' |
    sfdisk --quiet disk.raw
  read -r start sectors < <(sfdisk --json disk.raw | jq -r '.partitiontable.partitions[] |
    select(.node | endswith("6")) | "\(.start) \(.size)"')
  make_file_system volume.raw "$((sectors / 2))K"
  dd if=volume.raw of=disk.raw bs=512 seek="$start" conv=notrunc,sparse status=none
  "$varve" init
  "$varve" backup web01 disk.raw
  # The only file system needs no number.
  "$varve" mount web01 mounted
  expect_equal "$("$varve" mount --json | jq '.[0].partition')" 6
  expect_equal "$(cat mounted/etc/greeting)" "hello from the guest"
  "$varve" umount mounted
  expect_nothing_left
}

# Each type is a test of its own, so that one that this kernel has not got does not hide the others.
test_crashed_ext4_has_all_its_files() { crashed_disk_has_all_its_files ext4; }
test_crashed_xfs_has_all_its_files() { crashed_disk_has_all_its_files xfs; }
test_crashed_btrfs_has_all_its_files() { crashed_disk_has_all_its_files btrfs; }

crashed_disk_has_all_its_files() {
  local type=$1 bypass
  prepare_mounting
  make_crashed_disk "$type" disk.raw
  case $type in
    ext4) bypass=noload ;;
    xfs) bypass=norecovery ;;
    btrfs) bypass=rescue=nologreplay ;;
  esac
  mkdir bypassed
  mount -o "ro,loop,$bypass" disk.raw bypassed
  [[ ! -e bypassed/dir/late.txt ]] || fail "the disk's journal has nothing to replay"
  umount bypassed
  "$varve" init
  "$varve" backup web01 disk.raw
  "$varve" mount web01@latest mounted
  expect_equal "$(cat mounted/dir/early.txt mounted/dir/late.txt)" "early $type"$'\n'"late $type"
  random_bytes 3000000 4 | cmp - mounted/dir/blob
  expect_exit 1 touch mounted/new
  "$varve" umount mounted
  expect_nothing_left
  "$varve" mount web01@latest mounted --read-write -o noatime
  random_bytes 5000000 5 >mounted/dir/written
  rm mounted/dir/early.txt
  sync --file-system mounted
  random_bytes 5000000 5 | cmp - mounted/dir/written
  "$varve" umount mounted
  expect_nothing_left
  # What was written is gone, and the revision is what it was.
  "$varve" restore web01@latest - | cmp - disk.raw
  expect_exit 0 "$varve" verify --all
  "$varve" mount web01@latest mounted
  [[ -e mounted/dir/early.txt && ! -e mounted/dir/written ]] || fail "the revision has changed"
  "$varve" umount mounted
}

test_two_revisions_of_one_file_system_at_once() {
  prepare_mounting
  make_crashed_disk xfs disk.raw
  "$varve" init
  "$varve" backup web01 disk.raw
  "$varve" mount web01@latest mounted
  mkdir second
  defer "$varve" umount second
  "$varve" mount web01@latest second
  cmp mounted/dir/blob second/dir/blob
  expect_equal "$("$varve" mount --json | jq length)" 2
  "$varve" umount mounted
  cmp second/dir/blob <(random_bytes 3000000 4)
  "$varve" umount second
  expect_nothing_left
}

test_directory_in_use_stays_mounted() {
  prepare_mounting
  "$varve" init
  make_file_system disk.raw 64M
  "$varve" backup web01 disk.raw
  "$varve" mount web01 mounted
  exec 7<mounted/data/blob
  expect_exit 1 "$varve" umount mounted
  expect_output busy
  (cd mounted/data && sha256sum --check SHA256SUMS)
  exec 7<&-
  "$varve" umount mounted
  expect_nothing_left
}

test_umount_after_the_server_or_nbdfuse_was_killed() {
  prepare_mounting
  "$varve" init
  make_file_system disk.raw 64M
  "$varve" backup web01 disk.raw
  local victim mode
  for mode in "" --read-write; do
    for victim in server_of_mount fuse_of_mount; do
      # shellcheck disable=SC2086
      "$varve" mount web01 mounted $mode
      kill -KILL "$("$victim")"
      # Whoever reads gets an error, and does not wait for ever.
      timeout 20 cat mounted/data/blob >/dev/null 2>&1 || (($? != 124)) || fail "a read hangs"
      [[ $victim != server_of_mount ]] || expect_equal "$("$varve" mount --json | jq -r '.[].state')" "server gone"
      timeout 60 "$varve" umount mounted
      expect_nothing_left
    done
  done
}

test_what_was_unmounted_by_hand_is_cleaned_up() {
  prepare_mounting
  "$varve" init
  make_file_system disk.raw 64M
  "$varve" backup web01 disk.raw
  "$varve" mount web01 mounted
  umount mounted
  expect_equal "$("$varve" mount --json | jq -r '.[].state')" "not mounted"
  "$varve" umount mounted
  expect_nothing_left
}

test_after_a_restart_of_the_machine() {
  prepare_mounting
  "$varve" init
  make_file_system disk.raw 64M
  "$varve" backup web01 disk.raw
  "$varve" mount web01 mounted
  local server
  server=$(server_of_mount)
  sed -i 's/"bootID": .*/"bootID": "an-earlier-one",/' "$VARVE_LOCAL_VOLUMES"/*/record
  # Nothing of this boot is touched in the name of an earlier one.
  cp -a "$VARVE_LOCAL_VOLUMES" earlier
  sed -i "s/\"bootID\": .*/\"bootID\": \"$(</proc/sys/kernel/random/boot_id)\",/" "$VARVE_LOCAL_VOLUMES"/*/record
  "$varve" umount mounted
  rm -rf "$VARVE_LOCAL_VOLUMES"
  mv earlier "$VARVE_LOCAL_VOLUMES"
  "$varve" umount mounted
  expect_nothing_left
  ! is_running "$server" || fail "the server still runs"
}

test_encrypted_repository_keeps_its_secret() {
  prepare_mounting
  export VARVE_PASSPHRASE="correct horse battery"
  "$varve" init --encrypt passphrase
  "$varve" key add --new-key-file key
  make_file_system disk.raw 64M
  "$varve" backup web01 disk.raw
  local way
  for way in environment file key; do
    unset VARVE_PASSPHRASE
    case $way in
      environment) VARVE_PASSPHRASE="correct horse battery" "$varve" mount web01 mounted ;;
      file) "$varve" mount web01 mounted --passphrase-file <(echo "correct horse battery") ;;
      key) "$varve" mount web01 mounted --key-file key ;;
    esac
    local process
    for process in $(server_of_mount) $(fuse_of_mount); do
      ! grep -qF "correct horse" "/proc/$process/cmdline" || fail "the passphrase is an argument"
      ! grep -qF "correct horse" "/proc/$process/environ" || fail "the passphrase is in the environment"
    done
    ! grep -rqF "correct horse" "$VARVE_LOCAL_VOLUMES" || fail "the passphrase is on the disk"
    expect_equal "$(cat mounted/etc/greeting)" "hello from the guest"
    "$varve" umount mounted
    expect_nothing_left
  done
  VARVE_PASSPHRASE=wrong expect_exit 1 "$varve" mount web01 mounted
}

test_whatever_fails_is_undone() {
  prepare_mounting
  "$varve" init
  make_file_system disk.raw 64M
  "$varve" backup web01 disk.raw
  mkdir -p "$VARVE_LOCAL_VOLUMES" && touch "$VARVE_LOCAL_VOLUMES/lock"
  expect_exit 1 "$varve" mount web01 no-such-directory
  expect_output no-such-directory
  expect_exit 1 "$varve" mount web01 disk.raw
  expect_exit 1 "$varve" mount web01@99 mounted
  expect_exit 1 "$varve" mount web01 mounted --partition 1
  expect_output 'no partition table'
  # mount(8) itself refuses.
  expect_exit 1 "$varve" mount web01 mounted -o no-such-option
  expect_output mount
  expect_nothing_left
  random_bytes 3000000 6 >rubbish.raw
  "$varve" backup rubbish rubbish.raw
  expect_exit 1 "$varve" mount rubbish mounted
  expect_nothing_left
  # nbdfuse dies.
  mkdir programs
  printf '#!/bin/sh\necho cannot do it >&2\nexit 1\n' >programs/nbdfuse
  chmod +x programs/nbdfuse
  PATH=$work/programs:$PATH expect_exit 1 "$varve" mount web01 mounted
  expect_output 'cannot do it'
  expect_nothing_left
}

# fake_mount: mount(8) that takes its time, so that the moment is known.
fake_mount() {
  mkdir -p programs
  printf '#!/bin/sh\ntouch %q\nexec sleep 30\n' "$work/mounting" >programs/mount
  chmod +x programs/mount
}

test_interrupted_or_killed_in_the_middle() {
  prepare_mounting
  "$varve" init
  make_file_system disk.raw 64M
  "$varve" backup web01 disk.raw
  fake_mount
  local pid
  PATH=$work/programs:$PATH interruptible "$varve" mount web01 mounted &
  pid=$!
  wait_until 20 test -e mounting || fail "it has not come so far"
  kill -INT "$pid"
  wait_until 20 has_ended "$pid" || fail "it goes on"
  expect_nothing_left
  rm mounting
  PATH=$work/programs:$PATH interruptible "$varve" mount web01 mounted &
  pid=$!
  wait_until 20 test -e mounting
  kill -KILL "$pid"
  "$varve" umount mounted
  expect_nothing_left
}

test_only_root_can_mount() {
  prepare_mounting
  "$varve" init
  make_file_system disk.raw 64M
  "$varve" backup web01 disk.raw
  chmod -R o+rX "$work"
  setpriv --reuid=65534 --regid=65534 --clear-groups true || skip "cannot become another user"
  expect_exit 1 setpriv --reuid=65534 --regid=65534 --clear-groups "$varve" mount web01 mounted
  expect_output root
  expect_exit 1 setpriv --reuid=65534 --regid=65534 --clear-groups "$varve" umount mounted
}

# What cannot be mounted is named, with what to do, or with the kernel's reason.
test_disks_that_cannot_be_mounted_say_why() {
  prepare_mounting
  "$varve" init
  mkdir -p "$VARVE_LOCAL_VOLUMES" && touch "$VARVE_LOCAL_VOLUMES/lock"
  local volume=0
  # refused_disk PATTERN: disk.raw cannot be mounted, for that reason, and nothing stays of the attempt.
  refused_disk() {
    volume=$((volume + 1))
    "$varve" backup "job$volume" disk.raw --verify none
    expect_exit 1 "$varve" mount "job$volume" mounted
    expect_output "$1"
    expect_nothing_left
  }
  echo secret >passphrase
  truncate -s 32M disk.raw
  cryptsetup luksFormat --batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 disk.raw passphrase
  refused_disk 'LUKS.*cryptsetup open'
  rm disk.raw && truncate -s 8M disk.raw
  printf '\353\130\220-FVE-FS-' | dd of=disk.raw conv=notrunc status=none
  printf '\125\252' | dd of=disk.raw bs=1 seek=510 conv=notrunc status=none
  refused_disk 'BitLocker.*bitlk'
  rm disk.raw && truncate -s 8M disk.raw
  printf '\014\261\272\0\0\0\0\0' | dd of=disk.raw bs=1024 seek=140 conv=notrunc status=none
  refused_disk 'ZFS.*zpool import'
  printf 'label: dos\nstart=63, type=42\n' | sfdisk --quiet --force disk.raw
  dd if=/dev/zero of=disk.raw bs=1024 seek=140 count=1 conv=notrunc status=none
  refused_disk 'LDM.*ldmtool'
  # A file system that is larger than what there is of it, and one with a feature of the future.
  make_file_system disk.raw 64M
  truncate -s 32M disk.raw
  refused_disk 'kernel log: .*bad geometry'
  make_file_system disk.raw 64M
  debugfs -w -R 'set_super_value feature_incompat 0x80000042' disk.raw 2>/dev/null
  debugfs -w -R 'set_super_value feature_incompat 0x800002c2' disk.raw 2>/dev/null
  refused_disk "kernel log: .*unsupported optional features"
  # bcachefs: this kernel does not know it, or says what is wrong with it.
  rm disk.raw && truncate -s 8M disk.raw
  printf '\306\205\163\366\146\316\220\251\331\152\140\317\200\075\367\357' |
    dd of=disk.raw bs=1 seek=4120 conv=notrunc status=none
  refused_disk 'bcachefs'
  # A partition that is not all there.
  rm disk.raw && truncate -s 64M disk.raw
  printf 'label: dos\nstart=2048, type=83\n' | sfdisk --quiet disk.raw
  truncate -s 32M disk.raw
  refused_disk 'past the end of the disk'
}

test_partition_table_of_4096_byte_sectors() {
  prepare_mounting
  "$varve" init
  local label
  for label in dos gpt; do
    rm -f disk.raw
    truncate -s 80M disk.raw
    attach_loop "$work/disk.raw" --sector-size 4096
    printf 'label: %s\nsize=20M\nsize=40M\n' "$label" | sfdisk --quiet --no-reread --no-tell-kernel "$loop_device"
    local start
    start=$(sfdisk --json "$loop_device" | jq -r '.partitiontable.partitions[1].start')
    detach_loop "$loop_device"
    make_file_system volume.raw 40M
    dd if=volume.raw of=disk.raw bs=4096 seek="$start" conv=notrunc,sparse status=none
    "$varve" backup "$label" disk.raw
    "$varve" mount "$label" mounted
    expect_equal "$(cat mounted/etc/greeting)" "hello from the guest"
    expect_equal "$("$varve" mount --json | jq '.[0].partition')" 2
    "$varve" umount mounted
    expect_nothing_left
  done
}
