# Real disks, made and changed without root: a partition table, an ext4 file system made of a real
# file tree, and a database that is written to in place, as its server would.

readonly first_partition_bytes=1048576
readonly sector_bytes=512

# make_disk IMAGE SIZE TREE: one ext4 partition holding what is in TREE; sparse.
make_disk() {
  local image=$1 size=$2 tree=$3 kibibytes options=()
  rm -f "$image"
  truncate -s "$size" "$image"
  printf 'label: dos\nstart=2048, type=83\n' | sfdisk --quiet "$image"
  kibibytes=$((($(stat -c %s "$image") - first_partition_bytes) / 1024))
  # mkfs counts on files of 16 KiB; a tree with smaller ones needs more inodes than it makes.
  (($(find "$tree" | wc -l) < kibibytes / 20)) || options=(-N $((kibibytes / 4)))
  mkfs.ext4 -q -F ${options[@]+"${options[@]}"} -L data -d "$tree" -E "offset=$first_partition_bytes,root_owner=0:0" \
    "$image" "${kibibytes}k" 2>&1 | { grep -v 'large sectors\|^$' || true; } >&2
}

# copy_tree DESTINATION MIB [FIND_SIZE...]: real files of this machine, up to MIB in blocks of 4 KiB,
# always the same ones. Single files over 2 MiB are left out unless sizes are given, so that it stays a tree and not a
# compiler.
copy_tree() {
  local destination=$1 budget_bytes=$(($2 * 1048576)) size sizes=()
  for size in "${@:3}"; do sizes+=(-size "$size"); done
  ((${#sizes[@]} > 0)) || sizes=(-size -2M)
  mkdir -p "$destination"
  (cd /usr && find share include sbin bin lib libexec -xdev \
    -type d ! -readable -prune -o -type f "${sizes[@]}" -readable \
    -printf '%s\t%p\n') |
    LC_ALL=C sort -t$'\t' -k2 |
    awk -F'\t' -v left="$budget_bytes" '{ left -= int(($1 + 4095) / 4096) * 4096; if (left >= 0) print $2 }' |
    tar -C /usr --create --no-recursion --files-from=- |
    tar -C "$destination" --extract --no-same-owner
}

# find_ext_partition IMAGE: sets `partition_offset` and `partition_bytes` of the first ext2/3/4
# file system of a raw image, with or without a partition table; false when there is none.
find_ext_partition() {
  local image=$1 start size
  while read -r start size; do
    case $(blkid --probe --offset "$start" --size "$size" -s TYPE -o value "$image" 2>/dev/null) in
      ext[234])
        partition_offset=$start partition_bytes=$size
        return 0
        ;;
    esac
  done < <(possible_partitions "$image")
  return 1
}

# possible_partitions IMAGE: `offset length` in bytes, the whole disk first.
possible_partitions() {
  local image=$1
  printf '0 %d\n' "$(stat -L -c %s "$image")"
  sfdisk --json "$image" 2>/dev/null |
    jq -r --argjson sector "$sector_bytes" \
      '.partitiontable.partitions[]? | "\(.start * $sector) \(.size * $sector)"' || true
}

# in_guest IMAGE COMMAND: a debugfs command on the file system found by find_ext_partition.
in_guest() { debugfs -R "$2" "$1?offset=$partition_offset" 2>/dev/null; }

# change_guest IMAGE COMMAND_FILE: debugfs commands that write.
change_guest() {
  local complaints
  complaints=$(debugfs -w -f "$2" "$1?offset=$partition_offset" 2>&1 >/dev/null |
    grep -v '^debugfs [0-9]' || true)
  [[ -z $complaints ]] || die "debugfs: $complaints"
}

# guest_extents IMAGE FILE: where the blocks of FILE lie in the image, `offset length` in bytes, in
# the order of the file.
guest_extents() {
  local image=$1 file=$2 block_bytes
  block_bytes=$(in_guest "$image" stats | sed -n 's/^Block size: *//p')
  in_guest "$image" "dump_extents -l $file" | tr '/-' '  ' |
    awk -v block="$block_bytes" -v start="$partition_offset" \
      'NR > 1 { printf "%.0f %.0f\n", start + $7 * block, $9 * block }'
}

# update_guest_database IMAGE FILE ROWS SEED: real SQL updates of ROWS random rows in a database
# inside the image. Only the changed pages are written, to where the file system keeps them.
update_guest_database() {
  local image=$1 file=$2 rows=$3 seed=$4 scratch
  scratch=$(mktemp -d "${work:?}/database.XXXXXX")
  in_guest "$image" "dump $file $scratch/before"
  cp "$scratch/before" "$scratch/after"
  python3 "$integration/lib/database.py" update "$scratch/after" "$rows" "$seed"
  guest_extents "$image" "$file" >"$scratch/extents"
  python3 "$integration/lib/write-in-place.py" \
    "$image" "$scratch/extents" "$scratch/before" "$scratch/after"
  rm -r "$scratch"
}
