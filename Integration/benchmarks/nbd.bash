# Reading revisions over NBD, and writing to overlays, beside nbdkit's file plugin and qemu-nbd serving
# the same disk raw, and beside benji serving its own backup of it.
#
# `cold` means that nothing of the disk or the store is in memory; `uncached`, that the packs are in the
# page cache, and the server's own cache is empty; `warm`, that the server has read everything before, and
# its cache is larger than the disk.

nbd_tools=(varve nbdkit qemu benji)

benchmark_nbd() {
  uses varve || return 0
  step "NBD"
  make_nbd_disk
  make_store varve
  back_up varve nbd setup "$work/nbd.raw" setup
  if uses benji; then
    make_store benji
    back_up benji nbd setup "$work/nbd.raw" setup
  fi
  local round index
  for ((round = 0; round < rounds; round++)); do
    say "Round $((round + 1)) of $rounds"
    measure_decompression
    for ((index = 0; index < ${#nbd_tools[@]}; index++)); do
      nbd_round "${nbd_tools[(round + index) % ${#nbd_tools[@]}]}"
    done
  done
  rm -rf "$work/stores" "$work/nbd.raw"
  benchmark_nbd_clients
}

make_nbd_disk() {
  local mebibytes=$nbd_mebibytes
  say "Making a disk of $mebibytes MiB, full"
  copy_tree "$work/tree" $((mebibytes * 3 / 5))
  python3 "$integration/lib/database.py" make "$work/tree/shop.db" $((mebibytes / 4)) 5
  make_disk "$work/nbd.raw" "${mebibytes}M" "$work/tree"
  rm -rf "$work/tree"
}

# measure_decompression: how long zstd takes for one chunk of this disk, in memory, on one processor. No
# cold read can be faster than that.
measure_decompression() {
  local data=$work/allocated-data speed
  python3 "$integration/benchmarks/allocated-data.py" "$work/nbd.raw" >"$data"
  speed=$(zstd_speeds "$data" -1 131072)
  record nbd decompress-chunk limit microseconds "$(jq --null-input "131072 / ${speed#* }")"
  rm "$data"
}

# nbd_round TOOL: every measurement once, on servers of its own where what they hold matters.
nbd_round() {
  local tool=$1 connections
  if [[ $tool == benji ]]; then
    ! uses benji || nbd_round_of_benji
    return
  fi
  for connections in 1 4; do
    # As it is without options: a cache that takes in all of the disk has to be given the memory first.
    serve_nbd "$tool"
    forget "$work/nbd.raw" "$(store_of varve)"
    copy_from "$tool" "$connections" cold
    stop_process "$nbd_pid"
  done

  in_page_cache "$work/nbd.raw" "$(store_of varve)"
  serve_nbd "$tool"
  random_requests "$tool" uncached read 1 --number_ios="$nbd_uncached_reads"
  stop_process "$nbd_pid"

  serve_nbd "$tool" --cache-size "$nbd_cache"
  copy_from "$tool" 4 uncached
  for connections in 1 4; do copy_from "$tool" "$connections" warm; done
  random_requests "$tool" warm read 1 --time_based --runtime="$nbd_seconds"
  random_requests "$tool" warm read 16 --time_based --runtime="$nbd_seconds"
  stop_process "$nbd_pid"

  cp --sparse=always "$work/nbd.raw" "$work/written.raw"
  serve_nbd_writable "$tool"
  random_requests "$tool" overlay write 16 --time_based --runtime="$nbd_seconds"
  stop_process "$nbd_pid"
  rm "$work/written.raw"
}

# nbd_round_of_benji: only what it does not keep from earlier. It serves one connection, and copies each
# block of 4 MiB into a cache on disk. So many requests as there are for varve would nearly all be of blocks
# that were read before; fewer in proportion to the size of the blocks hit new ones as often.
nbd_round_of_benji() {
  local tool=benji store
  store=$(store_of benji)
  serve_benji
  forget "$store"
  copy_from "$tool" 1 cold
  stop_process "$nbd_pid"

  in_page_cache "$store/blocks"
  serve_benji
  random_requests "$tool" uncached read 1 --number_ios=$((nbd_uncached_reads * 131072 / 4194304))
  stop_process "$nbd_pid"

  serve_benji
  copy_from "$tool" 4 uncached
  stop_process "$nbd_pid"
}

# serve_benji: with nothing in its cache; sets `nbd_pid` and `nbd_uri`.
serve_benji() {
  local port store
  store=$(store_of benji)
  rm -rf "$store/cache"
  port=$(free_port)
  benji_command "$store"
  "${benji[@]}" nbd --read-only --bind-port "$port" 2>>"$work/messages" &
  nbd_pid=$! nbd_uri="nbd://127.0.0.1:$port/setup"
  wait_for_port "$port" "$nbd_pid"
}

# serve_nbd TOOL [OPTION...]: sets `nbd_pid` and `nbd_uri`; the options are for varve.
serve_nbd() {
  local socket=$work/nbd.sock
  rm -f "$socket"
  case $1 in
    varve) serve_revisions "${@:2}" && return ;;
    nbdkit) nbdkit --foreground --readonly --unix "$socket" file "$work/nbd.raw" 2>>"$work/messages" & ;;
    qemu) qemu-nbd --read-only --format=raw --persistent --shared=8 --socket="$socket" \
      "$work/nbd.raw" 2>>"$work/messages" & ;;
  esac
  nbd_pid=$! nbd_uri="nbd+unix:///?socket=$socket"
  wait_for_unix_socket "$socket" "$nbd_pid"
}

# serve_nbd_writable TOOL: a copy of the disk, or an overlay.
serve_nbd_writable() {
  local socket=$work/nbd.sock
  rm -f "$socket"
  case $1 in
    varve) serve_revisions --writable --overlay-directory "$work" && return ;;
    nbdkit) nbdkit --foreground --unix "$socket" file "$work/written.raw" 2>>"$work/messages" & ;;
    qemu) qemu-nbd --format=raw --persistent --socket="$socket" "$work/written.raw" \
      2>>"$work/messages" & ;;
  esac
  nbd_pid=$! nbd_uri="nbd+unix:///?socket=$socket"
  wait_for_unix_socket "$socket" "$nbd_pid"
}

serve_revisions() {
  local VARVE_REPOSITORY
  VARVE_REPOSITORY=$(store_of varve)/repository
  export VARVE_REPOSITORY
  start_server "$@"
  nbd_pid=$server_pid
  nbd_uri=$(nbd_uri disk@latest)
}

# in_page_cache FILE_OR_DIRECTORY...
in_page_cache() { find "$@" -type f -exec cat {} + >/dev/null; }

# copy_from TOOL CONNECTIONS TEMPERATURE
copy_from() {
  measure nbd "nbdcopy-$2-$3" "$1" nbdcopy --connections="$2" "$nbd_uri" null:
}

# random_requests TOOL TEMPERATURE read|write DEPTH FIO_OPTION...: 4 KiB each; records requests a second
# and the median latency in µs.
random_requests() {
  local tool=$1 step=$3-$4-$2 direction=$3 depth=$4 result=$work/fio.json
  shift 4
  fio --name="$step" --ioengine=nbd --uri="$nbd_uri" --rw="rand$direction" --bs=4k --norandommap \
    --size="${nbd_mebibytes}M" --iodepth="$depth" --lat_percentiles=1 --clat_percentiles=0 \
    --output-format=json --output="$result" "$@" >>"$work/messages" 2>&1 ||
    die "fio failed on $tool: $(cat "$work/messages")"
  jq -e '.jobs[0].error == 0' "$result" >/dev/null || die "$tool: $(jq -c '.jobs[0].error' "$result")"
  record nbd "$step" "$tool" requests "$(jq ".jobs[0].$direction.iops" "$result")"
  record nbd "$step" "$tool" microseconds \
    "$(jq ".jobs[0].$direction.lat_ns.percentile.\"50.000000\" / 1000" "$result")"
  printf '  %-28s %-11s %8.0f /s\n' "$step" "$tool" "$(jq ".jobs[0].$direction.iops" "$result")" >&2
}

# Many clients at once, each reading another revision of a database, beside one that reads alone.
benchmark_nbd_clients() {
  step "$nbd_clients clients"
  make_client_revisions
  local round
  for ((round = 0; round < rounds; round++)); do
    copy_revisions 1
    copy_revisions "$nbd_clients"
  done
  rm -rf "$work/stores"
}

make_client_revisions() {
  local disk=$work/database.raw number
  mkdir -p "$work/tree"
  python3 "$integration/lib/database.py" make "$work/tree/shop.db" $((nbd_client_mebibytes * 3 / 4)) 6
  make_disk "$disk" "${nbd_client_mebibytes}M" "$work/tree"
  rm -r "$work/tree"
  find_ext_partition "$disk"
  guest_extents "$disk" /shop.db >"$work/extents"
  make_store varve
  for ((number = 0; number < nbd_clients; number++)); do
    python3 "$integration/lib/random-writes.py" "$disk" "$work/extents" 200 "$number"
    varve backup -r "$(store_of varve)/repository" --verify none disk "$disk" >>"$work/messages" 2>&1
  done
  in_page_cache "$(store_of varve)"
  rm "$disk"
}

# copy_revisions COUNT: that many clients, each on a connection of its own; records the server's peak
# memory too, with the cache that it has by default.
copy_revisions() {
  serve_revisions
  measure_served "$server_pid" nbd "clients-$1" varve \
    python3 "$integration/benchmarks/copy-revisions.py" "$server_socket" "$1"
  stop_process "$server_pid"
  record nbd "clients-$1" varve bytes $(($1 * nbd_client_mebibytes * 1048576))
}
