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

unmount() { umount "$1" 2>/dev/null || umount --lazy "$1" 2>/dev/null || true; }
