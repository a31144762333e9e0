# Listing ten thousand revisions. They are made by ten thousand real backups of a tiny disk, in
# memory, where making them is quick; they are listed from the disk.

# Every backup looks at all revisions that are there, so they are made in copies of the repository that
# hold few, and brought together.
revisions_in_a_copy=500

benchmark_revisions() {
  uses varve || return 0
  step "$revisions revisions"
  local repository=$work/many number
  make_memory_directory
  varve init "$memory/repository" >/dev/null
  cp -a "$memory/repository" "$memory/empty"
  say "Making them"
  make_revisions "$memory" 0 &
  make_revisions "$memory" 1
  wait $!
  varve index rebuild -r "$memory/repository" >/dev/null 2>&1
  cp -a "$memory/repository" "$repository"
  rm -rf "$memory"
  for ((number = 0; number < rounds; number++)); do
    forget "$repository"
    measure revisions list-cold varve varve revisions -r "$repository" >"$work/list"
    measure revisions list-warm varve varve revisions -r "$repository" >"$work/list"
    measure revisions list-json varve varve revisions -r "$repository" --json >"$work/list"
  done
  record revisions list varve count "$(jq length "$work/list")"
  rm -rf "$repository"
}

# make_revisions DIRECTORY PARITY: those of every other copy; two of these run at once.
make_revisions() {
  local first number copy
  for ((first = $2 * revisions_in_a_copy; first < revisions; first += 2 * revisions_in_a_copy)); do
    copy=$1/$first
    cp -a "$1/empty" "$copy"
    for ((number = first; number < first + revisions_in_a_copy && number < revisions; number++)); do
      echo "$number" | varve backup -r "$copy" --verify none "job-$((number % 20))" - >/dev/null 2>&1
    done
    cp -a "$copy/packs" "$copy/revisions" "$1/repository"
    rm -rf "$copy"
  done
}
