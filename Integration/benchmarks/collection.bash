# Freeing what a forgotten half of many revisions needed, and nothing else. Each revision replaces the same
# stretch of the database with content of its own, besides the random writes of a night.
#
# How much a tool frees says little alone: one that stores less of each revision has less to free. So each
# also makes a store that never had the forgotten revisions, which is what is left at best.

collection_tools=(varve borg restic)

benchmark_collection() {
  step "Garbage of $collection_revisions revisions"
  mkdir -p "$work/tree"
  python3 "$integration/lib/database.py" make "$work/tree/shop.db" "$collection_database_mebibytes" 8
  make_disk "$work/collected-0.raw" "$((collection_database_mebibytes + 300))M" "$work/tree"
  rm -r "$work/tree"
  local tool
  for tool in "${collection_tools[@]}"; do
    ! uses "$tool" || collection_of "$tool"
  done
  rm "$work/collected-0.raw"
}

collection_of() {
  local tool=$1 store round
  store=$(store_of "$tool")
  back_up_collection "$tool" 2
  record collection best "$tool" store "$(stored_bytes "$tool")"
  back_up_collection "$tool" 1
  record collection before "$tool" store "$(stored_bytes "$tool")"
  mv "$store" "$work/full-store"
  for ((round = 0; round < rounds; round++)); do
    cp -a "$work/full-store" "$store"
    "collect_$tool" "$store" >/dev/null
    record collection after "$tool" store "$(stored_bytes "$tool")"
    rm -rf "$store"
  done
  rm -rf "$work/stores" "$work/full-store"
}

# back_up_collection TOOL STRIDE: every STRIDEth revision, the last one in any case, into a new store.
back_up_collection() {
  local tool=$1 stride=$2 disk=$work/collected.raw number
  cp --reflink=auto --sparse=always "$work/collected-0.raw" "$disk"
  find_ext_partition "$disk"
  guest_extents "$disk" /shop.db >"$work/extents"
  make_store "$tool"
  for ((number = 0; number < collection_revisions; number++)); do
    replace_stretch "$disk" "$number"
    python3 "$integration/lib/random-writes.py" "$disk" "$work/extents" 200 "$number"
    ((number % stride < stride - 1)) || back_up "$tool" collection backup "$disk" "revision-$number"
  done
  rm "$disk"
}

# replace_stretch DISK NUMBER: so many MiB of the largest extent get content that was never there.
replace_stretch() {
  local start length
  read -r start length < <(sort -k2,2nr "$work/extents" | head -n 1)
  ((length >= collection_mebibytes << 20)) || die "the database's largest extent is too short: $length bytes"
  python3 "$integration/lib/random-bytes.py" $((collection_mebibytes << 20)) "$2" |
    dd of="$1" bs=1M conv=notrunc iflag=fullblock oflag=seek_bytes status=none \
      seek="$start"
}

# forgotten_revisions [PREFIX]: every other one, the newest not among them.
forgotten_revisions() {
  local number
  for ((number = 0; number < collection_revisions; number += 2)); do echo "${1:-}revision-$number"; done
}

# What forgets and what frees is measured apart, since tools share the work differently: borg counts
# what an archive needs as it deletes it, the others do so as they free.

collect_varve() {
  local names
  mapfile -t names < <(forgotten_revisions disk@tag:)
  measure collection forget varve varve forget -r "$1/repository" "${names[@]}"
  measure collection collect varve varve gc -r "$1/repository" --yes
  varve usage -r "$1/repository" --json >"$work/usage"
  record collection bases varve store "$(jq .basesBytes "$work/usage")"
  record collection garbage varve store "$(jq .garbageBytes "$work/usage")"
}

collect_borg() {
  local names
  borg_environment "$1"
  mapfile -t names < <(forgotten_revisions)
  measure collection forget borg borg delete "$1/repository" "${names[@]}"
  measure collection collect borg borg compact "$1/repository"
}

collect_restic() {
  local names
  restic_environment "$1"
  # By their ids, in one call: by tags, forget wants a policy.
  mapfile -t names < <(restic snapshots --json |
    jq -r '.[] | select(.tags[0] | ltrimstr("revision-") | tonumber % 2 == 0) | .id')
  measure collection forget restic restic forget --quiet "${names[@]}"
  measure collection collect restic restic prune --quiet
}
