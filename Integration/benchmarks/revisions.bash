# Listing ten thousand revisions. They are made by ten thousand real backups of a tiny disk, in
# memory, where making them is quick; they are listed from the disk.

benchmark_revisions() {
  uses varve || return 0
  step "$revisions revisions"
  local repository=$work/many number
  make_memory_directory
  varve init "$memory/repository" >/dev/null
  say "Making them"
  make_revisions "$memory/repository" 0 &
  make_revisions "$memory/repository" 1
  wait $!
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

# make_revisions REPOSITORY PARITY: half of them, the odd or the even ones; two of these run at once.
make_revisions() {
  local number
  for ((number = $2; number < revisions; number += 2)); do
    echo "$number" | varve backup -r "$1" --verify none "job-$((number % 20))" - >/dev/null 2>&1
  done
}
