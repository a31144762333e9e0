# A `varve serve` that lives as long as the script, and how to reach it.

# start_server [OPTION...]: serves $VARVE_REPOSITORY on a Unix socket of its own; sets
# `server_socket` and `server_pid`. Its messages go to $work/serve.log.
start_server() {
  server_socket=$work/nbd-$RANDOM.sock
  interruptible "$varve" serve --unix "$server_socket" "$@" >>"$work/serve.log" 2>&1 &
  server_pid=$!
  defer stop_process "$server_pid"
  wait_for_unix_socket "$server_socket" "$server_pid" || die "$(cat "$work/serve.log")"
}

# start_tcp_server [OPTION...]: the same on a free port of the loopback interface; sets
# `server_port` and `server_pid`.
start_tcp_server() {
  server_port=$(free_port)
  interruptible "$varve" serve --listen "127.0.0.1:$server_port" "$@" >>"$work/serve.log" 2>&1 &
  server_pid=$!
  defer stop_process "$server_pid"
  wait_for_port "$server_port" "$server_pid" || die "$(cat "$work/serve.log")"
}

# nbd_uri EXPORT: of the server that start_server started.
nbd_uri() { printf 'nbd+unix:///%s?socket=%s' "$1" "$server_socket"; }

# Debian's Python has libnbd; another one may come first.
nbdsh() { PATH=/usr/bin:$PATH command nbdsh "$@"; }

# show_as_file URI: the export as the file $export_file, through nbdfuse; until exit.
show_as_file() { show_through_fuse --readonly "$1"; }

# show_as_writable_file URI: the same, and what is written to the file is written to the export.
show_as_writable_file() { show_through_fuse "$1"; }

# show_through_fuse [OPTION...] URI
show_through_fuse() {
  local directory
  directory=$(mktemp -d "$work/nbdfuse.XXXXXX")
  nbdfuse "${@:1:$#-1}" "$directory" "${@: -1}" &
  defer stop_process $!
  defer fusermount3 -u "$directory"
  export_file=$directory/nbd
  wait_until 20 test -e "$export_file" || die "nbdfuse shows no file for ${*: -1}"
}
