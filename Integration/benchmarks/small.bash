# Many small revisions beside one revision with the same bytes: what collecting and verifying cost should
# follow the bytes, not the number of revisions.

benchmark_small() {
  uses varve || return 0
  step "$small_revisions small revisions"
  local directory=$work/small number
  make_memory_directory
  mkdir "$directory"
  python3 "$integration/lib/random-bytes.py" $((small_revisions * small_kibibytes << 10)) 9 \
    >"$memory/all.raw"
  varve init "$memory/many" >/dev/null 2>&1
  for ((number = 0; number < small_revisions; number++)); do
    dd if="$memory/all.raw" bs="${small_kibibytes}K" skip="$number" count=1 status=none |
      varve backup -r "$memory/many" --verify none "job-$((number % 20))" - >/dev/null 2>"$work/messages" ||
      die "$(cat "$work/messages")"
  done
  varve init "$memory/one" >/dev/null 2>&1
  varve backup -r "$memory/one" --verify none disk "$memory/all.raw" >/dev/null 2>&1
  for ((number = 0; number < rounds; number++)); do
    small_round many
    small_round one
  done
  record small bytes many count "$(stat -c %s "$memory/all.raw")"
  record small revisions many count "$small_revisions"
  rm -rf "$directory" "$memory"
}

# small_round many|one: on a copy of it. The first collection merges small packs, where there are any; the
# second finds nothing to do.
small_round() {
  local repository=$work/small/$1
  cp -a "$memory/$1" "$repository"
  measure small "merge-$1" varve varve gc -r "$repository" >/dev/null
  measure small "gc-$1" varve varve gc -r "$repository" >/dev/null
  measure small "sample-$1" varve varve verify -r "$repository" --sample 1% >/dev/null
  measure small "verify-$1" varve varve verify -r "$repository" --all >/dev/null
  rm -rf "$repository"
}
