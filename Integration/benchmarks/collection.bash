# Freeing what a forgotten half of many revisions needed, and nothing else. Each revision replaces a
# stretch of the database with new content, besides the random writes of a night.

collection_tools=(varve borg restic)

benchmark_collection() {
  step "Garbage of $collection_revisions revisions"
  make_series_disk
  local tool
  for tool in "${collection_tools[@]}"; do
    ! uses "$tool" || collection_of "$tool"
  done
}

collection_of() {
  local tool=$1 disk=$work/collected.raw number before
  cp --reflink=auto --sparse=always "$work/series.raw" "$disk"
  find_ext_partition "$disk"
  guest_extents "$disk" /shop.db >"$work/extents"
  make_store "$tool"
  for ((number = 0; number < collection_revisions; number++)); do
    replace_stretch "$disk" "$number"
    python3 "$integration/lib/random-writes.py" "$disk" "$work/extents" 200 "$number"
    back_up "$tool" collection backup "$disk" "revision-$number"
  done
  forget_half "$tool" "$(store_of "$tool")"
  before=$(stored_bytes "$tool")
  "collect_$tool" "$(store_of "$tool")"
  record collection collect "$tool" freed $((before - $(stored_bytes "$tool")))
  rm -rf "$work/stores" "$disk"
}

# replace_stretch DISK NUMBER: so many MiB of the largest extent get content that was never there.
replace_stretch() {
  local start length
  read -r start length < <(sort -k2,2nr "$work/extents" | head -n 1)
  local room=$((length / 1048576 - collection_mebibytes))
  ((room > 0)) || die "the database's largest extent is too short: $length bytes"
  python3 "$integration/lib/random-bytes.py" $((collection_mebibytes << 20)) "$2" |
    dd of="$1" bs=1M conv=notrunc iflag=fullblock oflag=seek_bytes status=none \
      seek=$((start + ($2 * collection_mebibytes % room << 20)))
}

# forget_half TOOL STORE: every other revision, the newest not among them.
forget_half() {
  local names=() number
  for ((number = 0; number < collection_revisions; number += 2)); do names+=("revision-$number"); done
  case $1 in
    varve) varve forget -r "$2/repository" "${names[@]/#/disk@tag:}" >/dev/null 2>&1 ;;
    borg) borg_environment "$2" && borg delete "$2/repository" "${names[@]}" ;;
    restic)
      restic_environment "$2"
      # One call a tag: without a policy, forget wants snapshots.
      restic snapshots --json |
        jq -r '.[] | select(.tags[0] | ltrimstr("revision-") | tonumber % 2 == 0) | .id' |
        xargs restic forget --quiet
      ;;
  esac
}

collect_varve() { measure collection collect varve varve gc -r "$1/repository" --yes; }

collect_borg() {
  borg_environment "$1"
  measure collection collect borg borg compact "$1/repository"
}

collect_restic() {
  restic_environment "$1"
  measure collection collect restic restic prune --quiet
}
