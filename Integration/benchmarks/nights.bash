# Thirty nights of random database writes: how each store grows, and what restoring the last night
# costs. One tool after the other, because all stores at once would not fit on a small machine.

benchmark_nights() {
  step "Nights"
  mkdir -p "$work/tree"
  python3 "$integration/lib/database.py" make "$work/tree/shop.db" "$night_database_mebibytes" 2
  make_disk "$work/night-0.raw" "$((night_database_mebibytes + 200))M" "$work/tree"
  rm -r "$work/tree"
  local tool
  for tool in "${tools[@]}"; do
    # Of fixed 4 MiB almost all are dirtied, every night: the database's size each time.
    [[ $tool == borg_fixed || $tool == benji ]] || nights_of "$tool"
  done
  rm "$work/night-0.raw"
}

# nights_of TOOL: the same writes for every tool, since the seed of a night is its number.
nights_of() {
  local tool=$1 disk=$work/night.raw night
  cp --reflink=auto --sparse=always "$work/night-0.raw" "$disk"
  find_ext_partition "$disk"
  guest_extents "$disk" /shop.db >"$work/extents"
  make_store "$tool"
  for ((night = 0; night <= nights; night++)); do
    if ((night > 0)); then
      python3 "$integration/lib/random-writes.py" "$disk" "$work/extents" "$night_writes" "$night"
    fi
    back_up "$tool" nights "night-$night" "$disk" "night-$night"
    record nights "night-$night" "$tool" store "$(stored_bytes "$tool")"
  done
  restore_first_and_last "$tool"
  rm -rf "$work/stores" "$disk"
}

restore_first_and_last() {
  local round
  for ((round = 0; round < rounds; round++)); do
    restore_to_pipe "$1" nights restore-first night-0
    restore_to_pipe "$1" nights restore-last "night-$nights"
  done
}
