# A disk's life: backed up in full, again without a change, after a few changed blocks, after a night
# of database writes, after a day of changed files; then restored.

benchmark_series() {
  step "Series"
  make_series_disk
  local round
  for ((round = 0; round < rounds; round++)); do
    say "Round $((round + 1)) of $rounds"
    measure_limits series "$work/series.raw"
    series_round "$round"
  done
  # Kept for the parts that come later and need a real disk.
}

# make_series_disk: $work/series.raw, once.
make_series_disk() {
  [[ ! -e $work/series.raw ]] || return 0
  say "Making a disk of $disk_size: $tree_mebibytes MiB of files, $database_mebibytes MiB of database"
  copy_tree "$work/tree" "$tree_mebibytes"
  python3 "$integration/lib/database.py" make "$work/tree/shop.db" "$database_mebibytes" 1
  make_disk "$work/series.raw" "$disk_size" "$work/tree"
  rm -rf "$work/tree"
  record series disk series allocated "$(du --block-size=1 "$work/series.raw" | cut -f1)"
}

# series_round ROUND: on a fresh copy of the disk, into fresh stores.
series_round() {
  local round=$1 disk=$work/disk.raw tool
  cp --reflink=auto --sparse=always "$work/series.raw" "$disk"
  find_ext_partition "$disk"
  while read -r tool; do make_store "$tool" </dev/null; done < <(tools_in_turn "$round")
  series_step "$round" full
  series_step "$round" unchanged
  change_a_few_blocks "$disk"
  series_step "$round" blocks
  change_database "$disk"
  series_step "$round" database
  change_files "$disk"
  series_step "$round" files
  while read -r tool; do
    restore_to_pipe "$tool" series restore files </dev/null
  done < <(tools_in_turn "$round")
  check_restored "$disk"
  rm -rf "$work/stores" "$disk"
}

# series_step ROUND STEP: every tool backs the disk up; records by how much its store grew.
series_step() {
  local round=$1 step=$2 tool before
  while read -r tool; do
    before=$(stored_bytes "$tool")
    # benji asks the kernel to drop what it has read; the next tool finds it in memory all the same.
    python3 "$integration/benchmarks/allocated-data.py" "$work/disk.raw" >/dev/null
    back_up "$tool" series "$step" "$work/disk.raw" "$step" </dev/null
    record series "$step" "$tool" growth $(($(stored_bytes "$tool") - before))
    [[ $tool != varve ]] || record_index "$step"
    [[ $step != files ]] || record series all "$tool" store "$(stored_bytes "$tool")"
  done < <(tools_in_turn "$round")
}

# record_index STEP: what varve's index takes, which is not counted as the store's growth.
record_index() {
  record series "$1" varve index "$(du --summarize --block-size=1 "$(store_of varve)/repository/index" | cut -f1)"
}

# Within a file: anywhere in the image, a write could damage the file system that later steps change.
change_a_few_blocks() {
  guest_extents "$1" /shop.db >"$work/extents"
  python3 "$integration/lib/random-writes.py" "$1" "$work/extents" 20 3
}

change_database() {
  guest_extents "$1" /shop.db >"$work/extents"
  python3 "$integration/lib/random-writes.py" "$1" "$work/extents" "$database_writes" 4
}

# change_files DISK: as much as churn_mebibytes of files deleted, as much of other files written.
change_files() {
  local files=$work/new-files
  mkdir "$files"
  copy_tree "$files" "$churn_mebibytes" +1M -8M
  (cd "$files" && find . -type d | sed 's|^\.|mkdir /new|') >"$work/commands"
  (cd "$files" && find . -type f -printf '%P\n') |
    sed "s|.*|write $files/& /new/&|" >>"$work/commands"
  change_guest "$1" "$work/commands"
  rm -r "$files"
}

# check_restored DISK: a fast restore of wrong bytes would be no restore.
check_restored() {
  ! uses varve || varve restore -r "$(store_of varve)/repository" disk@latest - 2>/dev/null | cmp - "$1"
}
