# Volumes for the suites, and questions about a repository.

random_bytes() { python3 "$integration/lib/random-bytes.py" "$1" "$2"; }

# write_random FILE OFFSET_BYTES COUNT_BYTES SEED: into an existing file, nothing else changed.
write_random() {
  random_bytes "$3" "$4" |
    dd of="$1" bs=1M oflag=seek_bytes seek="$2" conv=notrunc iflag=fullblock status=none
}

# make_mixed_volume FILE MIB SEED: a third random, a third text, the rest holes; sparse.
make_mixed_volume() {
  local file=$1 mebibytes=$2 seed=$3
  local third=$((mebibytes * 1048576 / 3))
  truncate -s "${mebibytes}M" "$file"
  write_random "$file" 0 "$third" "$seed"
  python3 -c 'import sys
n = int(sys.argv[1])
line = b"%012d the quick brown fox jumps over the lazy dog\n"
text = b"".join(line % i for i in range(n // 57 + 1))
sys.stdout.buffer.write(text[:n])' "$third" |
    dd of="$file" bs=1M oflag=seek_bytes seek=$((third + third / 2)) conv=notrunc \
      iflag=fullblock status=none
}

# make_file_system FILE SIZE: a bare ext4 file system with a few known files, no partition table.
make_file_system() {
  local tree
  tree=$(mktemp -d "$work/tree.XXXXXX")
  mkdir -p "$tree/etc" "$tree/data"
  echo "hello from the guest" >"$tree/etc/greeting"
  random_bytes 3000000 11 >"$tree/data/blob"
  (cd "$tree/data" && sha256sum blob >SHA256SUMS)
  truncate -s "$2" "$1"
  mkfs.ext4 -q -F -d "$tree" "$1"
  rm -r "$tree"
}

# repository_bytes: what the repository takes on disk, without the index, which is a cache.
repository_bytes() {
  du --summarize --block-size=1 --exclude=index "$VARVE_REPOSITORY" | cut -f1
}

# pack_files, data_packs, map_packs: packs, largest first. A pack's name is the SHA-256 of its bytes;
# what has another name there is a pack that is being written.
pack_files() { packs_below "$VARVE_REPOSITORY/packs"; }
data_packs() { packs_below "$VARVE_REPOSITORY/packs/data"; }
map_packs() { packs_below "$VARVE_REPOSITORY/packs/maps"; }

packs_below() {
  find "$1" -regextype posix-extended -type f -regex '.*/[0-9a-f]{64}' -printf '%s %p\n' |
    sort -rn | cut -d' ' -f2-
}

# at_least_packs COUNT: for wait_until.
at_least_packs() { (($(pack_files | wc -l) >= $1)); }

# restore_into_pipe REVISION FILE [OPTION...]: through a pipe, so that the program cannot seek.
restore_into_pipe() { "$varve" restore "$1" - "${@:3}" | cat >"$2"; }

# newest_revision JOB: its id.
newest_revision() { "$varve" show --json "$1@latest" | jq -er .id; }

# count_revisions [JOB]
count_revisions() { "$varve" revisions --json "$@" | jq length; }
