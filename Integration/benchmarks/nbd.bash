# Reading a revision over NBD, beside nbdkit serving the raw disk: from a cold and from a warm cache.

benchmark_nbd() {
  uses varve || return 0
  step "NBD"
  make_series_disk
  make_store varve
  back_up varve setup full "$work/series.raw" full
  local round temperature
  for ((round = 0; round < rounds; round++)); do
    for temperature in cold warm; do
      copy_from_varve "$temperature"
      copy_from_nbdkit "$temperature"
    done
  done
  rm -rf "$work/stores"
}

# A server of its own for each measurement: its cache is part of what is cold.
copy_from_varve() {
  local VARVE_REPOSITORY
  VARVE_REPOSITORY=$(store_of varve)/repository
  export VARVE_REPOSITORY
  start_server
  local uri
  uri=$(nbd_uri disk@latest)
  prepare_cache "$1" "$uri" "$VARVE_REPOSITORY"
  measure nbd "nbdcopy-$1" varve nbdcopy "$uri" null:
  record nbd "nbdcopy-$1" varve server-anonymous \
    "$(awk '/^RssAnon/ { print $2 / 1024 }' "/proc/$server_pid/status")"
  stop_process "$server_pid"
}

copy_from_nbdkit() {
  local socket=$work/nbdkit.sock
  rm -f "$socket"
  nbdkit --foreground --unix "$socket" file "$work/series.raw" 2>>"$work/messages" &
  local pid=$!
  wait_for_unix_socket "$socket" "$pid"
  prepare_cache "$1" "nbd+unix:///?socket=$socket" "$work/series.raw"
  measure nbd "nbdcopy-$1" nbdkit nbdcopy "nbd+unix:///?socket=$socket" null:
  stop_process "$pid"
}

# prepare_cache TEMPERATURE URI PATH
prepare_cache() {
  if [[ $1 == cold ]]; then forget "$3"; else nbdcopy "$2" null:; fi
}
