# Who reaches a server, what it exports, and what it tells about its clients.

# back_up_two_jobs: web01@1 is first.raw and web01@0 second.raw; db01@0 has third.raw as vda and
# first.raw as vdb.
back_up_two_jobs() {
  "$varve" init
  local number name
  for name in first second third; do
    number=$((${number:-0} + 1))
    random_bytes $((1000000 * number)) "$number" >"$name.raw"
  done
  "$varve" backup web01 first.raw
  "$varve" backup web01 second.raw
  "$varve" backup db01 vda=third.raw vdb=first.raw
}

test_one_revision_is_the_default_export_and_the_only_one() {
  back_up_two_jobs
  start_server web01@first
  nbdcopy "nbd+unix://?socket=$server_socket" - | cmp - first.raw
  local name
  for name in web01@first web01@1 "$("$varve" show web01@1 --json | jq -r .id)"; do
    nbdcopy "$(nbd_uri "$name")" - | cmp - first.raw || fail "$name"
  done
  for name in web01@0 db01/vda db01@0/vdb nobody; do
    expect_exit 1 nbdinfo --size "$(nbd_uri "$name")"
    expect_output 'no export named'
  done
  grep -q 'web01@0 is web01@.*not exported' serve.log || fail "$(cat serve.log)"
  grep -q "no job.*nobody\|no job has this name" serve.log || fail "$(cat serve.log)"
  expect_equal "$(nbdinfo --list --json "nbd+unix://?socket=$server_socket" |
    jq '.exports | length')" 1 "exports"
}

test_jobs_and_volumes_are_exported_by_name() {
  back_up_two_jobs
  start_server web01 db01@latest/vdb
  local name
  for name in web01@0 web01@1 db01@0/vdb; do nbdinfo --size "$(nbd_uri "$name")"; done
  for name in db01@0/vda ""; do expect_exit 1 nbdinfo --size "$(nbd_uri "$name")"; done
  grep -q 'no default export: 3 volumes' serve.log || fail "$(cat serve.log)"
}

test_a_revision_that_there_is_not_is_noticed_at_the_start() {
  back_up_two_jobs
  expect_exit 1 "$varve" serve web02 --unix s.sock
  expect_output "no job 'web02'|no job has this name"
  expect_exit 1 "$varve" serve db01@0/vdc --unix s.sock
  expect_output 'vda, vdb'
  [[ ! -e s.sock ]]
}

test_names_asked_for_in_vain_do_not_fill_the_log() {
  back_up_two_jobs
  start_server
  SOCKET=$server_socket /usr/bin/python3 - <<'PYTHON'
import nbd, os
for number in range(200):
    h = nbd.NBD()
    try:
        h.connect_uri(f"nbd+unix:///job{number}?socket=" + os.environ["SOCKET"])
    except nbd.Error:
        continue
    raise AssertionError(number)
PYTHON
  expect_at_most "$(wc -l <serve.log)" 65 "lines of log"
  nbdinfo --size "$(nbd_uri web01)"
}

test_a_revision_made_while_serving_is_there_and_a_forgotten_one_stays_with_who_has_it() {
  back_up_two_jobs
  start_server
  local id
  id=$("$varve" show web01@0 --json | jq -r .id)
  mkfifo go
  FIFO=go URI=$(nbd_uri "$id") /usr/bin/python3 - <<'PYTHON' &
import nbd, os
h = nbd.NBD()
h.connect_uri(os.environ["URI"])
open(os.environ["FIFO"]).read()
assert h.pread(h.get_size(), 0) == open("second.raw", "rb").read(), "what was open has changed"
PYTHON
  local reader=$!
  wait_until 10 client_is_connected "$id" || fail "$("$varve" clients)"
  rm "$VARVE_REPOSITORY/revisions/$id"
  expect_exit 1 nbdinfo --size "$(nbd_uri "$id")"
  expect_exit 1 nbdinfo --size "$(nbd_uri "web01@$id")"
  nbdcopy "$(nbd_uri web01@latest)" - | cmp - first.raw
  "$varve" backup web01 third.raw
  nbdcopy "$(nbd_uri web01@latest)" - | cmp - third.raw
  echo >go
  wait "$reader" || fail "who had the forgotten revision open could not read it"
}

# A client whose connection breaks comes back to what it read before, not to a newer revision.
test_a_reconnecting_client_keeps_what_the_name_meant() {
  back_up_two_jobs
  random_bytes "$(stat -c %s second.raw)" 77 >newer.raw
  start_server
  local uri
  uri=$(nbd_uri web01@latest)
  cat >broken.py <<'PYTHON'
import os, sys
h.pread(4096, 0)
os.kill(os.getpid(), 9)
PYTHON
  # Debian's Python has the library; another one may come first.
  PATH=/usr/bin:$PATH nbdsh -u "$uri" -c 'exec(open("broken.py").read())' || true
  "$varve" backup web01 newer.raw
  # As another process, like the kernel's client; it ends without a word once more.
  PATH=/usr/bin:$PATH nbdsh -u "$uri" \
    -c 'assert h.pread(4096, 4096) == open("second.raw", "rb").read(8192)[4096:]'
  wait_until 10 grep -q "'web01@latest' stays web01@.* for this client" serve.log || fail "$(cat serve.log)"
  # One that ends in good order is done with it: the next one gets the newest.
  nbdcopy "$uri" - | cmp - second.raw
  nbdcopy "$uri" - | cmp - newer.raw
}

# An id that a client was given stays exported when 'latest' has moved on.
test_the_printed_uri_names_an_id() {
  back_up_two_jobs
  "$varve" serve web01@latest --unix s.sock --print-uri >uri 2>>serve.log &
  defer stop_process $!
  wait_until 10 test -s uri
  grep -q '^nbd+unix:///web01%40[0-9a-f]\{16\}?socket=' uri || fail "$(cat uri)"
  "$varve" backup web01 third.raw
  nbdcopy "$(cat uri)" - | cmp - second.raw
  nbdcopy "nbd+unix:///?socket=$work/s.sock" - | cmp - third.raw
  nbdcopy "$(cat uri)" - | cmp - second.raw
}

# client_is_connected EXPORT: somebody reads that, or something whose name holds it.
client_is_connected() {
  "$varve" clients --json | jq -e --arg export "$1" \
    'any(.[].clients[]; .export != null and (.export | contains($export)))'
}

test_sockets_passed_by_who_starts_the_server() {
  back_up_two_jobs
  nbdcopy -- [ "$varve" serve web01@latest ] copy.raw 2>messages
  expect_same_bytes second.raw copy.raw
  [[ ! -s messages ]] || fail "$(cat messages)"
  expect_equal "$(nbdinfo --size -- [ "$varve" serve db01/vda ])" 3000000
  expect_equal "$(nbdinfo --list --json -- [ "$varve" serve ] | jq '.exports | length')" 4
}

test_sockets_passed_by_systemd() {
  back_up_two_jobs
  server_port=$(free_port)
  interruptible systemd-socket-activate --listen="127.0.0.1:$server_port" --listen="$work/s.sock" \
    --setenv=VARVE_REPOSITORY --setenv=VARVE_RUNTIME --setenv=XDG_CACHE_HOME \
    "$varve" serve --verbose >>serve.log 2>&1 &
  server_pid=$!
  defer stop_process "$server_pid"
  wait_until 10 grep -q 's.sock' serve.log || fail "$(cat serve.log)"
  # The first connection starts it.
  nbdcopy "nbd://127.0.0.1:$server_port/web01@0" - | cmp - second.raw
  nbdcopy "nbd+unix:///web01@1?socket=$work/s.sock" - | cmp - first.raw
  expect_equal "$("$varve" clients --json | jq -c '.[].addresses | length')" 2 "addresses"
  stop_process "$server_pid"
  [[ -S s.sock ]] || fail "the server removed a socket that is not its own"
}

test_sockets_meant_for_another_process_are_left_alone() {
  back_up_two_jobs
  LISTEN_PID=1 LISTEN_FDS=1 start_server
  nbdinfo --size "$(nbd_uri web01)"
}

test_what_is_passed_and_no_socket_is_refused() {
  back_up_two_jobs
  # shellcheck disable=SC2016 # for the inner shell
  expect_exit 1 bash -c 'exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$1" serve' - "$varve"
  expect_output 'descriptor 3: it is not a listening socket'
  # shellcheck disable=SC2016
  expect_exit 1 bash -c 'exec 3<&-; LISTEN_PID=$$ LISTEN_FDS=many exec "$1" serve' - "$varve"
  expect_output LISTEN_FDS
}

test_mode_and_owner_of_the_socket() {
  "$varve" init
  start_server
  expect_equal "$(stat -c %a "$server_socket")" 600
  start_server --unix-mode 0660
  expect_equal "$(stat -c %a "$server_socket")" 660
  expect_exit 2 "$varve" serve --unix x --unix-mode 999
  expect_exit 2 "$varve" serve --unix x --unix-owner no-such-user
  expect_exit 2 "$varve" serve --unix-mode 660
  needs_root
  start_server --unix-mode 660 --unix-owner nobody:daemon
  expect_equal "$(stat -c '%a %U %G' "$server_socket")" "660 nobody daemon"
  start_server --unix-owner :daemon
  expect_equal "$(stat -c '%a %U %G' "$server_socket")" "600 root daemon"
}

test_printed_URIs_lead_to_the_server() {
  back_up_two_jobs
  server_port=$(free_port)
  mkdir "a directory, 100%"
  interruptible "$varve" serve web01@first --listen "127.0.0.1:$server_port" \
    --unix "a directory, 100%/socket" --print-uri >uris 2>>serve.log &
  server_pid=$!
  defer stop_process "$server_pid"
  wait_until 10 both_printed || fail "$(cat serve.log)"
  local uri
  while read -r uri; do
    # From anywhere.
    expect_equal "$(cd / && nbdinfo --size "$uri")" 1000000 "size at $uri"
  done <uris
  # An id, which means the same for ever.
  local id
  id=$("$varve" show web01@first --json | jq -r .id)
  expect_equal "$(sed -n 1p uris)" "nbd://127.0.0.1:$server_port/web01%40${id:0:16}"
}

both_printed() { [[ $(wc -l <uris) == 2 ]]; }

test_pidfile() {
  "$varve" init
  start_server --pidfile "$work/pid"
  wait_until 10 test -s pid
  expect_equal "$(cat pid)" "$server_pid"
  kill -TERM "$(cat pid)"
  wait_until 10 has_ended "$server_pid"
  [[ ! -e pid ]] || fail "the file is still there"
  expect_exit 1 "$varve" serve --unix s.sock --pidfile no/such/place
  expect_output 'no/such/place'
  [[ ! -e s.sock ]] || fail "a server that did not start left its socket"
}

# end_server_of PIDFILE: asks the server to end, and waits.
end_server_of() {
  local pid
  pid=$(cat "$1")
  kill -TERM "$pid"
  wait_until 10 has_ended "$pid" || fail "it goes on"
  [[ ! -e $1 ]] || fail "the file $1 is still there"
}

test_without_an_address_only_this_user_reaches_the_server() {
  back_up_two_jobs
  expect_exit 0 "$varve" serve --daemonize --pidfile pid
  local uri="nbd+unix:///web01@first?socket=$VARVE_RUNTIME/nbd.sock"
  expect_output "nbdinfo --list 'nbd\+unix:///\?socket=$VARVE_RUNTIME/nbd.sock'"
  expect_equal "$(nbdinfo --size "$uri")" 1000000
  expect_equal "$(stat -c %a "$VARVE_RUNTIME/nbd.sock") $(stat -c %a "$VARVE_RUNTIME")" "600 700"
  ! ss --listening --tcp --processes --no-header | grep "pid=$(cat pid)," || fail "it listens on TCP"
  # A second one is refused, also for another repository, and told what to do.
  expect_exit 1 "$varve" serve
  expect_output 'another server of this user listens on .*nbd.sock.*--unix'
  expect_exit 0 "$varve" serve --unix "$work/second.sock" --daemonize --pidfile second
  nbdinfo --size "nbd+unix:///web01?socket=$work/second.sock"
  end_server_of second
  # One that was killed leaves a socket that the next one replaces.
  local killed
  killed=$(cat pid)
  kill -KILL "$killed"
  wait_until 10 has_ended "$killed"
  "$varve" serve --daemonize --pidfile pid
  expect_equal "$(nbdinfo --size "$uri")" 1000000
  end_server_of pid
  # Which looks for the one that was killed.
  "$varve" clients
  [[ -z $(ls "$VARVE_RUNTIME") ]] || fail "left behind: $(ls "$VARVE_RUNTIME")"
  # No directory that others can use, and no place at all.
  chmod 755 "$VARVE_RUNTIME"
  expect_exit 1 "$varve" serve
  expect_output 'only this user can access'
  needs_root
  chmod -R o+rX "$work"
  mkdir -m 777 cache-of-another
  expect_exit 1 env -u VARVE_RUNTIME -u XDG_RUNTIME_DIR XDG_CACHE_HOME="$work/cache-of-another" \
    setpriv --reuid=65534 --regid=65534 --clear-groups "$varve" serve
  expect_output 'XDG_RUNTIME_DIR is not set.*--unix.*--listen'
}

test_daemonize_returns_when_clients_can_connect() {
  back_up_two_jobs
  local round uri
  for round in 1 2 3 4 5; do
    # The output ends, though the server goes on.
    uri=$("$varve" serve web01@first --unix "s-$round.sock" --daemonize --print-uri \
      --pidfile pid --log-file log 2>messages)
    expect_equal "$(nbdinfo --size "$uri")" 1000000 "round $round"
    expect_equal "$(ps -o sid= -p "$(cat pid)" | tr -d ' ')" "$(cat pid)" "its session"
    expect_equal "$(readlink "/proc/$(cat pid)/fd/1")" /dev/null
    grep -q "serving" messages || fail "$(cat messages)"
    end_server_of pid
  done
  expect_equal "$(grep -c 'stopped by SIGTERM' log)" 5 "ends in the log"
}

test_daemonize_says_why_a_server_does_not_start() {
  back_up_two_jobs
  expect_exit 1 "$varve" serve nobody --daemonize --pidfile pid
  expect_output "no job 'nobody'|no job has this name"
  expect_exit 1 "$varve" serve --daemonize --unix no/such/place/s.sock --pidfile pid
  expect_output 'no/such/place'
  expect_exit 1 "$varve" serve --daemonize --unix s.sock --pidfile pid --log-file no/such/log
  expect_output 'no/such/log'
  expect_exit 2 "$varve" serve --daemonize --writable --overlay x
  # shellcheck disable=SC2016 # for the inner shell
  expect_exit 2 bash -c 'LISTEN_PID=$$ LISTEN_FDS=0 exec "$1" serve --daemonize' - "$varve"
  [[ ! -e s.sock && ! -e pid ]] || fail "a server that did not start left something"
  ! pgrep --list-full --full "serve --daemonize" || fail "a server is left"
}

# start_slowly: a server in the background that waits for its passphrase; `first` and `child` are its
# processes.
start_slowly() {
  "$varve" serve --daemonize --pidfile pid --passphrase-command "touch $work/waiting; sleep 20" \
    >>serve.log 2>&1 &
  first=$!
  wait_until 20 test -e waiting || fail "it has not come so far"
  rm waiting
  child=$(pgrep --parent "$first")
}

test_daemonize_when_one_of_its_processes_is_killed() {
  VARVE_PASSPHRASE=secret "$varve" init --encrypt passphrase
  local first child
  start_slowly
  kill -KILL "$child"
  ! wait "$first" || fail "it says that the server runs"
  grep -q 'ended with signal 9' serve.log || fail "$(cat serve.log)"
  # Whoever would wait has gone: a server that nobody knows of does not stay.
  printf '#!/bin/sh\ntouch waiting\nwhile [ -e waiting ]; do sleep 0.1; done\necho secret\n' >ask
  chmod +x ask
  "$varve" serve --daemonize --pidfile pid --passphrase-command ./ask >>serve.log 2>&1 &
  first=$!
  wait_until 20 test -e waiting || fail "it has not come so far"
  child=$(pgrep --parent "$first")
  kill -KILL "$first"
  wait "$first" || true
  rm waiting
  wait_until 20 has_ended "$child" || fail "the server stays"
  [[ ! -e pid && ! -e $VARVE_RUNTIME/nbd.sock ]] || fail "it left something"
}

test_a_server_that_cannot_write_its_log_does_not_begin() {
  back_up_two_jobs
  expect_exit 1 "$varve" serve --unix s.sock --log-file no/such/log
  expect_output '^varve: cannot write to the log file no/such/log: No such file or directory'
  [[ $output != *serving* ]] || fail "it said that it serves"
  [[ ! -e s.sock ]] || fail "there is a socket"
}

test_an_address_that_is_none_is_told_in_words() {
  back_up_two_jobs
  expect_exit 1 "$varve" serve --listen 999.1.1.1:1
  expect_output '^varve: cannot listen on 999.1.1.1:1: Name or service not known$'
}

test_log_file_is_opened_again_on_SIGHUP() {
  back_up_two_jobs
  start_server --log-file "$work/log"
  expect_exit 1 nbdinfo --size "$(nbd_uri nobody)"
  wait_until 10 grep -q 'refused an export' log || fail "$(cat log)"
  ! grep 'refused' serve.log || fail "the message is in both places"
  mv log log.1
  kill -HUP "$server_pid"
  wait_until 10 test -e log
  expect_exit 1 nbdinfo --size "$(nbd_uri nobody)"
  wait_until 10 grep -q 'refused an export' log || fail "$(cat log)"
}

test_messages_of_a_server_in_the_background_go_to_syslog() {
  needs_root
  back_up_two_jobs
  mkdir dev
  cat >with-syslog <<SCRIPT
set -e
mount -t tmpfs dev dev
cp --archive /dev/{null,zero,random,urandom,full} dev
mount --bind dev /dev
/usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
with open("received", "w") as received:
    while True:
        print(s.recv(4096).decode(), file=received, flush=True)' &
trap 'kill %1' EXIT
while ! [ -S /dev/log ]; do sleep 0.1; done
"$varve" serve --daemonize --pidfile pid
nbdinfo --size "nbd+unix:///nobody?socket=$VARVE_RUNTIME/nbd.sock" || true
kill "\$(cat pid)"
for _ in {1..100}; do ! grep "stopped by" received || break; sleep 0.1; done
SCRIPT
  unshare --mount --propagation private bash with-syslog
  # Facility daemon (3), level notice (5).
  wait_until 5 grep -q "^<29>.*varve\\[[0-9]*\\]: .*refused an export: .*nobody" received ||
    fail "$(cat received)"
  grep -q "varve\\[[0-9]*\\]: stopped by SIGTERM" received || fail "$(cat received)"
}

test_a_refused_export_is_logged_once() {
  back_up_two_jobs
  start_server
  # libnbd asks for its contexts, and then to enter it.
  expect_exit 1 nbdinfo --size "$(nbd_uri nobody)"
  expect_equal "$(grep -c 'refused an export' serve.log)" 1 "lines"
  expect_exit 1 qemu-img info "$(nbd_uri nobody)"
  expect_equal "$(grep -c 'refused an export' serve.log)" 2 "lines"
}

test_SIGTERM_ends_it_cleanly_and_SIGHUP_not_at_all() {
  back_up_two_jobs
  start_server
  kill -HUP "$server_pid"
  kill -HUP "$server_pid"
  nbdinfo --size "$(nbd_uri web01)"
  kill -TERM "$server_pid"
  wait "$server_pid" || fail "exit status $?"
  grep -q 'stopped by SIGTERM' serve.log
  [[ ! -e $server_socket ]]
  [[ -z $(ls "$VARVE_RUNTIME") ]] || fail "left behind: $(ls "$VARVE_RUNTIME")"
}

test_limits_on_clients_and_on_their_time() {
  back_up_two_jobs
  start_server --max-clients 2 --option-timeout 1
  SOCKET=$server_socket /usr/bin/python3 - <<'PYTHON'
import nbd, os, socket, time

def connect():
    h = nbd.NBD()
    h.connect_uri("nbd+unix:///web01?socket=" + os.environ["SOCKET"])
    return h

first = connect()
silent = socket.socket(socket.AF_UNIX)
silent.connect(os.environ["SOCKET"])
silent.settimeout(10)
assert len(silent.recv(18)) == 18, "let in, and greeted"
try:
    connect()
except nbd.Error:
    pass
else:
    raise AssertionError("a third client was let in")
start = time.monotonic()
while silent.recv(4096):
    pass
assert 0.5 < time.monotonic() - start < 5, "who is silent before it chose has one second"
time.sleep(2)
assert len(first.pread(512, 0)) == 512, "who is silent afterwards has all the time"
connect()
PYTHON
  grep -q 'turned a client away: 2 are connected' serve.log || fail "$(cat serve.log)"
  grep -q 'took too long' serve.log || fail "$(cat serve.log)"
}

test_clients_are_shown_with_what_they_do() {
  back_up_two_jobs
  start_server
  FIFO=go URI=$(nbd_uri web01@0) /usr/bin/python3 - <<'PYTHON' &
import nbd, os
h = nbd.NBD()
h.connect_uri(os.environ["URI"])
h.pread(300000, 0)
h.pread(100000, 1000000)
os.mkfifo(os.environ["FIFO"])
open(os.environ["FIFO"]).read()
PYTHON
  local reader=$!
  wait_until 20 test -p go
  "$varve" clients --json >clients.json
  jq -e --argjson pid "$server_pid" --argjson reader "$reader" --arg repository "$VARVE_REPOSITORY" '
    length == 1 and (.[0] |
      .process == $pid and .repository == $repository and .tls == "off" and
      .clientLimit == 1024 and .cache.usedBytes > 0 and .cache.misses > 0 and
      (.clients | length == 1) and (.clients[0] |
        .readBytes == 400000 and .writtenBytes == 0 and .requests == 2 and .inFlight == 0 and
        (.export | startswith("web01@")) and .address == "process \($reader)" and
        .latency.meanSeconds > 0 and .latency.p99Seconds >= .latency.meanSeconds / 2 and
        .name == null and (.encrypted | not) and (.since | endswith("Z"))))' clients.json ||
    fail "$(cat clients.json)"
  "$varve" clients >table
  grep -q "^ *$server_pid .*process $reader .*391 KiB" table || fail "$(cat table)"
  # Another server, and one that was killed.
  start_server
  local killed=$server_pid
  kill -KILL "$killed"
  wait_until 10 has_ended "$killed"
  [[ -S $VARVE_RUNTIME/serve-$killed.sock ]] || fail "the killed server left nothing"
  start_server
  expect_equal "$("$varve" clients --json | jq length)" 2 "servers"
  [[ ! -e $VARVE_RUNTIME/serve-$killed.sock ]] || fail "a dead server's socket is still there"
  echo >go
}

test_no_server_is_no_error() {
  "$varve" clients --json >clients.json 2>messages
  expect_equal "$(jq -c . clients.json)" "[]"
  grep -q 'no server' messages
  "$varve" clients
  expect_equal "$(stat -c %a "$VARVE_RUNTIME" 2>/dev/null || echo none)" none
}

test_status_sockets_are_for_this_user_alone() {
  "$varve" init
  start_server
  wait_until 10 test -S "$VARVE_RUNTIME/serve-$server_pid.sock"
  expect_equal "$(stat -c %a "$VARVE_RUNTIME")" 700
  expect_equal "$(stat -c %a "$VARVE_RUNTIME/serve-$server_pid.sock")" 600
  # Where others could put something into the directory, it is not used; serving is worth more.
  stop_process "$server_pid"
  chmod 777 "$VARVE_RUNTIME"
  : >serve.log
  start_server
  wait_until 10 grep -q 'only this user can access' serve.log || fail "$(cat serve.log)"
  nbdinfo --list "nbd+unix://?socket=$server_socket"
}

test_memory_is_bounded_with_a_thousand_busy_clients() {
  "$varve" init
  make_mixed_volume disk.raw 300 1
  "$varve" backup web01 disk.raw
  start_server web01@latest
  SOCKET=$server_socket SERVER=$server_pid /usr/bin/python3 - <<'PYTHON'
import os, resource, selectors, socket, struct, threading, time

resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
peak = 0

def watch_memory():
    global peak
    while True:
        with open(f"/proc/{os.environ['SERVER']}/status") as status:
            lines = dict(line.split(":") for line in status)
        peak = max(peak, int(lines["RssAnon"].split()[0]))
        time.sleep(0.02)

def receive(s, count):
    data = bytearray()
    while len(data) < count:
        part = s.recv(count - len(data))
        assert part, "the server closed"
        data += part
    return bytes(data)

def enter():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(os.environ["SOCKET"])
    s.sendall(struct.pack(">I", 3))
    receive(s, 18)
    s.sendall(b"IHAVEOPT" + struct.pack(">IIIH", 7, 6, 0, 0))
    receive(s, 20 + 12 + 20)
    return s

def request(cookie, offset, length):
    return struct.pack(">IHHQQI", 0x25609513, 0, 0, cookie, offset, length)

clients = [enter() for _ in range(1000)]
threading.Thread(target=watch_memory, daemon=True).start()
# Each asks for 1 MiB at scattered places, and for a while nobody reads any of it.
for number, s in enumerate(clients):
    s.sendall(b"".join(
        request(cookie, (number * 8 + cookie) * 7919 * 4096 % (299 << 20), 128 << 10)
        for cookie in range(8)))
# Small requests of others are answered all the same.
for number in range(5):
    s = enter()
    for cookie in range(20):
        s.sendall(request(cookie, number << 20, 4096))
        receive(s, 16 + 4096)
print("nobody reads:", peak, "KiB")
# Now they all read at once.
missing = {s: 8 * (16 + (128 << 10)) for s in clients}
waiting = selectors.DefaultSelector()
for s in clients:
    s.setblocking(False)
    waiting.register(s, selectors.EVENT_READ)
while missing:
    ready = waiting.select(60)
    assert ready, "nothing comes any more"
    for key, _ in ready:
        part = key.fileobj.recv(min(1 << 16, missing[key.fileobj]))
        assert part, "the server closed"
        missing[key.fileobj] -= len(part)
        if missing[key.fileobj] == 0:
            del missing[key.fileobj]
            waiting.unregister(key.fileobj)
print("all of them read:", peak, "KiB")
assert peak < 256 << 10, f"{peak} KiB"
PYTHON
  nbdcopy "$(nbd_uri web01)" - | cmp - disk.raw
}
