# A volume of 20 TiB that is nearly all hole: time, memory, and the first byte of its export.

benchmark_sparse() {
  uses varve || return 0
  step "20 TiB, sparse"
  make_memory_directory
  truncate -s 20T "$memory/sparse.raw"
  python3 "$integration/benchmarks/scattered-writes.py" "$memory/sparse.raw" 1000
  make_store varve
  back_up varve sparse backup "$memory/sparse.raw" sparse
  restore_to_file
  first_byte
  rm -rf "$work/stores" "$memory/sparse.raw"
}

# To a file: a pipe would have to carry all 20 TiB.
restore_to_file() {
  measure sparse restore varve \
    varve restore -r "$(store_of varve)/repository" disk@latest "$memory/restored.raw" >/dev/null
  rm "$memory/restored.raw"
}

first_byte() {
  local VARVE_REPOSITORY
  VARVE_REPOSITORY=$(store_of varve)/repository
  export VARVE_REPOSITORY
  forget "$VARVE_REPOSITORY"
  start_server
  # Debian's python has libnbd's module.
  /usr/bin/python3 "$integration/benchmarks/first-byte.py" "$(nbd_uri disk@latest)" >"$work/first"
  record sparse first-byte-cold varve milliseconds "$(head -n 1 "$work/first")"
  record sparse first-byte varve milliseconds "$(sort -n "$work/first" | sed -n 10p)"
  stop_process "$server_pid"
}
