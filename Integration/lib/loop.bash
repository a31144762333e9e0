# Loop devices and mounts of the host's kernel, where there are any.

# can_use_loop: loop devices and mounting need root and a kernel with both.
can_use_loop() {
  ((EUID == 0)) && [[ -e /dev/loop-control ]] && losetup --find >/dev/null 2>&1
}

# can_use_fuse: nbdfuse shows an export as a file through FUSE.
can_use_fuse() {
  [[ -r /dev/fuse && -w /dev/fuse ]] && command -v nbdfuse >/dev/null
}

# attach_loop FILE [OPTION...]: sets `loop_device`; detached at exit.
attach_loop() {
  local file=$1 tries
  shift
  # Someone else may take the free device between losetup's question and its answer.
  for tries in 1 2 3 4 5; do
    if loop_device=$(losetup --find --show "$@" "$file"); then
      defer detach_loop "$loop_device"
      return 0
    fi
    sleep "0.$tries"
  done
  die "no free loop device for $file"
}

detach_loop() { losetup --detach "$1" 2>/dev/null || true; }

# mount_until_exit OPTION... SOURCE DIRECTORY: mount(8), undone at exit.
mount_until_exit() {
  mount "$@"
  defer unmount "${@: -1}"
}

# small_file_system SIZE: sets `small`, the directory of a mounted ext4 file system of that size.
small_file_system() {
  needs_loop
  small=$work/small
  mkdir "$small"
  truncate -s "$1" small.raw
  mkfs.ext4 -q -F -m 0 small.raw
  attach_loop "$work/small.raw"
  mount_until_exit "$loop_device" "$small"
}

# fill_to_the_last_block: the small file system, with $small/ballast in pieces of a block, of which the
# last one fails.
fill_to_the_last_block() {
  ! dd if=/dev/zero of="$small/ballast" bs=1k status=none 2>/dev/null
  expect_equal "$(df --output=avail "$small" | tail -n 1 | tr -d ' ')" 0 "KiB available"
}

# make_bare_file_system TYPE IMAGE|DEVICE
make_bare_file_system() {
  case $1 in
    ext4) mkfs.ext4 -q -F "$2" ;;
    xfs) mkfs.xfs -q -f "$2" ;;
    btrfs) mkfs.btrfs -q -f "$2" ;;
    btrfs-mixed) mkfs.btrfs -q -f --mixed "$2" ;;
    vfat) mkfs.vfat "$2" >/dev/null ;;
  esac
}

# make_crashed_disk TYPE IMAGE: the disk of a machine that lost power. late.txt was synced just before,
# so it is there, but only the journal knows of it.
make_crashed_disk() {
  local type=$1 image=$2 options=rw
  [[ $type != ext4 ]] || options=commit=300
  truncate -s 320M running.raw
  make_bare_file_system "$type" running.raw
  attach_loop "$work/running.raw"
  mkdir -p running
  mount_until_exit -t "$type" -o "$options" "$loop_device" running
  mkdir running/dir
  echo "early $type" >running/dir/early.txt
  random_bytes 3000000 4 >running/dir/blob
  sync --file-system running
  echo "late $type" >running/dir/late.txt
  sync running/dir/late.txt
  cp --sparse=always running.raw "$image"
  umount running
  detach_loop "$loop_device"
}

unmount() { umount "$1" 2>/dev/null || umount --lazy "$1" 2>/dev/null || true; }
