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

# wait_for_unix_socket PATH PID: until someone listens there; fails at once when PID has ended.
wait_for_unix_socket() {
  local path=$1 pid=$2
  wait_until 20 eval '[[ -S $path ]] || ! is_running "$pid"' && [[ -S $path ]] ||
    die "no server listening on $path"
}

# wait_for_port PORT PID
wait_for_port() {
  local port=$1 pid=$2
  wait_until 20 eval 'port_answers "$port" || ! is_running "$pid"' && port_answers "$port" ||
    die "no server listening on port $port"
}

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port: a TCP port of the loopback interface that nothing uses now.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
