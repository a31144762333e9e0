# What grows with the number of chunks: the index, a lookup, finding out what is needed. The repositories are
# made up: their packs have everything but content.

benchmark_scale() {
  uses varve || return 0
  local count
  for count in "${scale_chunks[@]}"; do
    step "$count chunks"
    scale_of "$count"
  done
}

# scale_of CHUNKS
scale_of() {
  local repository=$work/large report=$work/collected.json
  varve init "$repository" >/dev/null
  say "Making the repository"
  # Debian's python has what it needs.
  /usr/bin/python3 "$integration/benchmarks/large-repository.py" "$repository" "$1"
  measure scale "rebuild-$1" varve varve index rebuild -r "$repository" >/dev/null
  record scale "rebuild-$1" varve bytes "$(du --block-size=1 "$repository/index" | cut -f1)"
  measure scale "revisions-$1" varve varve revisions -r "$repository" >/dev/null
  record scale "lookup-$1" varve microseconds \
    "$(/usr/bin/python3 "$integration/benchmarks/index-lookups.py" "$repository/index")"
  measure scale "mark-$1" varve varve gc -r "$repository" --dry-run --json >"$report"
  record scale "mark-$1" varve mark-seconds "$(jq .markSeconds "$report")"
  record scale "mark-$1" varve survey-seconds "$(jq .surveySeconds "$report")"
  varve forget -r "$repository" large@first 2>/dev/null
  # What is left of packs at the border has no content that could be copied.
  measure scale "collect-$1" varve varve gc -r "$repository" --max-copy 0 --json >"$report"
  record scale "collect-$1" varve packs "$(jq .deletedPacks "$report")"
  rm -rf "$repository"
}
