# Waiting with a deadline. Nothing in these scripts sleeps and hopes.

# wait_until SECONDS COMMAND...: true as soon as the command succeeds, false at the deadline.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

# either COMMAND COMMAND: true when one of them is; each is one string, for wait_until.
either() { eval "$1" || eval "$2"; }

has_ended() { ! is_running "$1"; }

# wait_for_unix_socket PATH PID: until someone listens there; fails at once when PID has ended.
wait_for_unix_socket() {
  wait_until 20 either "test -S $1" "has_ended $2" || true
  [[ -S $1 ]] || die "no server listening on $1"
}

# wait_for_port PORT PID
wait_for_port() {
  wait_until 20 either "port_answers $1" "has_ended $2" || true
  port_answers "$1" || die "no server listening on port $1"
}

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port: a TCP port of the loopback interface that nothing uses now.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
