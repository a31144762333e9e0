# TLS with certificates and with pre-shared keys, with real clients: GnuTLS in libnbd and QEMU,
# OpenSSL in Python.

# serve_encrypted [OPTION...]: web01@latest is disk.raw, on a port of the loopback interface, with the
# certificates in `server`; clients that trust it are `nobody`, and with certificates `alice`, `bob`.
serve_encrypted() {
  back_up_disk
  make_authority authority
  make_certificate authority server server localhost DNS:localhost IP:127.0.0.1
  make_certificate authority client alice alice DNS:alice.example
  make_certificate authority client bob bob DNS:bob.example
  mkdir nobody
  cp authority/ca-cert.pem nobody/
  start_tcp_server --tls-certificates server "$@"
}

back_up_disk() {
  "$varve" init
  make_mixed_volume disk.raw 24 1
  "$varve" backup web01 disk.raw
}

# encrypted_uri CLIENT: web01@latest for a client with those certificates.
encrypted_uri() {
  printf 'nbds://localhost:%s/web01@latest?tls-certificates=%s' "$server_port" "$work/$1"
}

# refused COMMAND...: it fails, and says nothing of what is exported.
refused() {
  expect_exit 1 timeout 20 "$@"
  ! grep -q 'web01@[0-9a-f]' <<<"$output" || fail "told of an export: $output"
}

test_certificates_encrypt_and_name_the_server() {
  serve_encrypted
  nbdcopy "$(encrypted_uri nobody)" - | cmp - disk.raw
  nbdcopy --connections=4 "$(encrypted_uri alice)" copy.raw
  expect_same_bytes disk.raw copy.raw
  nbdinfo --json "$(encrypted_uri nobody)" | jq -e '.TLS == true'
  # The same server by a name that is not in its certificate, and for who trusts somebody else.
  refused nbdinfo --size "nbds://127.0.0.2:$server_port/web01@latest?tls-certificates=$work/nobody"
  make_authority other
  mkdir stranger
  cp other/ca-cert.pem stranger/
  refused nbdinfo --size "$(encrypted_uri stranger)"
}

test_nothing_is_said_in_the_clear_where_TLS_is_required() {
  serve_encrypted
  refused nbdinfo --size "nbd://localhost:$server_port/web01@latest"
  refused nbdinfo --list "nbd://localhost:$server_port"
  refused qemu-img info "nbd://localhost:$server_port/web01@latest"
}

test_TLS_on_leaves_it_to_the_client() {
  serve_encrypted --tls on
  nbdcopy "nbd://localhost:$server_port/web01@latest" - | cmp - disk.raw
  nbdcopy "$(encrypted_uri nobody)" - | cmp - disk.raw
}

test_only_clients_with_certificates() {
  serve_encrypted --tls-verify-peer
  nbdcopy "$(encrypted_uri alice)" - | cmp - disk.raw
  refused nbdinfo --size "$(encrypted_uri nobody)"
  # A certificate that somebody else has signed.
  make_authority other
  make_certificate other client mallory alice DNS:alice.example
  cp authority/ca-cert.pem mallory/
  refused nbdinfo --size "$(encrypted_uri mallory)"
  expect_at_least "$(grep -c 'refused TLS to a client: the client sent no certificate' serve.log)" 2 "refusals"
}

test_only_clients_of_a_name() {
  serve_encrypted --tls-allow alice.example --tls-allow carol
  nbdcopy "$(encrypted_uri alice)" - | cmp - disk.raw
  refused nbdinfo --size "$(encrypted_uri bob)"
  refused nbdinfo --size "$(encrypted_uri nobody)"
  grep -q "client 'bob' is not allowed" serve.log || fail "$(cat serve.log)"
}

test_the_log_says_why_a_client_is_refused_and_whose_certificate_it_was() {
  serve_encrypted --tls-verify-peer
  date_certificate authority alice client '10 days ago' '3 days ago'
  refused nbdinfo --size "$(encrypted_uri alice)"
  wait_until 10 grep -q "refused TLS to a client: the certificate of 'alice' expired on $(
    date -u --date '3 days ago' +%Y-%m-%d)" serve.log || fail "$(cat serve.log)"
  date_certificate authority bob client 'now + 2 days' 'now + 4 days'
  refused nbdinfo --size "$(encrypted_uri bob)"
  wait_until 10 grep -q "the certificate of 'bob' is not valid before $(
    date -u --date 'now + 2 days' +%Y-%m-%d).*clocks" serve.log || fail "$(cat serve.log)"
  refused nbdinfo --size "$(encrypted_uri nobody)"
  wait_until 10 grep -q 'the client sent no certificate' serve.log || fail "$(cat serve.log)"
  # A client that does not trust the server says so, if it uses OpenSSL.
  PORT=$server_port /usr/bin/python3 - <<'PYTHON'
import os, socket, ssl, struct
s = socket.create_connection(("localhost", int(os.environ["PORT"])))
s.recv(18, socket.MSG_WAITALL)
s.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 5, 0))
s.recv(20, socket.MSG_WAITALL)
context = ssl.create_default_context()
context.maximum_version = ssl.TLSVersion.TLSv1_2
try:
    context.wrap_socket(s, server_hostname="localhost")
except ssl.SSLCertVerificationError:
    pass
PYTHON
  wait_until 10 grep -q 'the client refused the server: ' serve.log || fail "$(cat serve.log)"
}

test_certificates_of_the_server_that_are_not_valid_now_are_named() {
  back_up_disk
  make_authority authority
  make_certificate authority server server localhost DNS:localhost
  date_certificate authority server server '10 days ago' '3 days ago'
  start_tcp_server --tls-certificates server
  wait_until 10 grep -q "server-cert.pem: the certificate of 'localhost' expired on $(
    date -u --date '3 days ago' +%Y-%m-%d)" serve.log || fail "$(cat serve.log)"
  date_certificate authority server server 'now + 2 days' 'now + 4 days'
  kill -HUP "$server_pid"
  wait_until 10 grep -q "server-cert.pem: the certificate of 'localhost' is not valid before" \
    serve.log || fail "$(cat serve.log)"
}

test_who_is_connected_is_shown_by_name() {
  serve_encrypted --tls-verify-peer
  URI=$(encrypted_uri alice) /usr/bin/python3 - <<'PYTHON' &
import nbd, os
h = nbd.NBD()
h.set_uri_allow_local_file(True)
h.connect_uri(os.environ["URI"])
h.pread(512, 0)
os.mkfifo("go")
open("go").read()
PYTHON
  wait_until 20 test -p go
  "$varve" clients --json | jq -e '.[0].tls == "require" and
    (.[0].clients[0] | .name == "alice" and .encrypted)' || fail "$("$varve" clients --json)"
  "$varve" clients | grep -q ' alice '
  echo >go
}

test_versions() {
  serve_encrypted
  PORT=$server_port /usr/bin/python3 - <<'PYTHON'
import os, socket, ssl, struct

def receive(s, count):
    data = b""
    while len(data) < count:
        part = s.recv(count - len(data))
        assert part, "the server closed"
        data += part
    return data

def connect(version):
    s = socket.create_connection(("localhost", int(os.environ["PORT"])))
    s.settimeout(10)
    receive(s, 18)
    s.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 5, 0))
    assert receive(s, 20)[12:16] == struct.pack(">I", 1)
    context = ssl.create_default_context(cafile="nobody/ca-cert.pem")
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    return context.wrap_socket(s, server_hostname="localhost")

for version, name in [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]:
    s = connect(version)
    assert s.version() == name, s.version()
    cipher = s.cipher()[0]
    assert "GCM" in cipher or "CHACHA20" in cipher, cipher
    s.sendall(b"IHAVEOPT" + struct.pack(">II", 3, 0))
    header = receive(s, 20)
    assert header[12:16] == struct.pack(">I", 2), "no list"
    receive(s, struct.unpack(">I", header[16:])[0] + 20)
    # Half-closing: the end of TLS is the end of what is sent.
    s.unwrap().close()
for version in [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1]:
    try:
        connect(version)
    except (ssl.SSLError, OSError):
        continue
    raise AssertionError(version)
PYTHON
  nbdinfo --size "$(encrypted_uri nobody)"
}

test_qemu_with_certificates() {
  serve_encrypted --tls-verify-peer
  local disk="driver=nbd,host=localhost,port=$server_port,export=web01@latest,tls-creds=tls"
  qemu-img convert --object "tls-creds-x509,id=tls,dir=$work/alice,endpoint=client" \
    --image-opts "$disk" -O raw copy.raw
  expect_same_bytes disk.raw copy.raw
  refused qemu-img info --object "tls-creds-x509,id=tls,dir=$work/nobody,endpoint=client" \
    --image-opts "$disk"
}

# make_keys: the server's file of two users, and each user's own.
make_keys() {
  local user
  for user in alice bob; do
    mkdir "psk-$user"
    echo "$user:$(openssl rand -hex 32)" >"psk-$user/keys.psk"
  done
  cat psk-*/keys.psk >keys
  chmod 600 keys
}

test_pre_shared_keys() {
  back_up_disk
  make_keys
  start_server web01@latest --tls-psk keys
  local uri="nbds+unix://alice@/web01@latest?socket=$server_socket&tls-psk-file=$work"
  nbdcopy "$uri/psk-alice/keys.psk" - | cmp - disk.raw
  nbdinfo --json "$uri/psk-alice/keys.psk" | jq -e '.TLS == true'
  refused nbdinfo --size "nbd+unix://?socket=$server_socket"
  sed 's/^bob/alice/' psk-bob/keys.psk >wrong
  refused nbdinfo --size "$uri/wrong"
  sed 's/^alice/mallory/' psk-alice/keys.psk >unknown
  refused nbdinfo --size "${uri/alice@/mallory@}/unknown"
  nbdinfo --size "$uri/psk-alice/keys.psk"
}

test_pre_shared_keys_of_allowed_users() {
  back_up_disk
  make_keys
  start_server --tls-psk keys --tls-allow bob
  local uri="nbds+unix://USER@/web01@latest?socket=$server_socket&tls-psk-file=$work/psk-USER/keys.psk"
  nbdinfo --size "${uri//USER/bob}"
  refused nbdinfo --size "${uri//USER/alice}"
}

test_qemu_with_pre_shared_keys() {
  back_up_disk
  make_keys
  start_tcp_server --tls-psk keys
  qemu-img convert \
    --object "tls-creds-psk,id=tls,dir=$work/psk-bob,username=bob,endpoint=client" --image-opts \
    "driver=nbd,host=localhost,port=$server_port,export=web01@latest,tls-creds=tls" -O raw copy.raw
  expect_same_bytes disk.raw copy.raw
}

# Pre-shared keys go with TLS 1.2: a client that can do that gets in whatever else it can do, and the
# log tells what to change in one that cannot.
test_pre_shared_keys_and_versions_of_TLS() {
  back_up_disk
  make_keys
  start_tcp_server --tls-psk keys
  local priority
  # with_priority PRIORITY
  with_priority() {
    timeout 20 qemu-img info --object \
      "tls-creds-psk,id=tls,dir=$work/psk-bob,username=bob,endpoint=client,priority=$1" \
      --image-opts "driver=nbd,host=localhost,port=$server_port,export=web01@latest,tls-creds=tls"
  }
  for priority in NORMAL NORMAL:-VERS-ALL:+VERS-TLS1.2 NORMAL:-VERS-ALL:+VERS-TLS1.2:+ECDHE-PSK; do
    with_priority "$priority" || fail "$priority: $(cat serve.log)"
  done
  expect_exit 1 with_priority NORMAL:-VERS-ALL:+VERS-TLS1.3
  wait_until 10 grep -q 'the client does not offer TLS 1.2.*NORMAL:-VERS-ALL:+VERS-TLS1.2' serve.log ||
    fail "$(cat serve.log)"
  # The same with libnbd, which reads the system's settings.
  printf '[overrides]\ndisabled-version = %s\n' TLS1.2 >only-1.3
  printf '[overrides]\ndisabled-version = %s\n' TLS1.3 >only-1.2
  local uri="nbds://bob@localhost:$server_port/web01@latest?tls-psk-file=$work/psk-bob/keys.psk"
  : >serve.log
  refused env GNUTLS_SYSTEM_PRIORITY_FILE=only-1.3 nbdinfo --size "$uri"
  wait_until 10 grep -q 'the client does not offer TLS 1.2' serve.log || fail "$(cat serve.log)"
  GNUTLS_SYSTEM_PRIORITY_FILE=only-1.2 nbdinfo --size "$uri"
  nbdinfo --size "$uri"
}

test_the_log_says_whose_pre_shared_key_was_refused() {
  back_up_disk
  make_keys
  start_tcp_server --tls-psk keys
  local uri="nbds://alice@localhost:$server_port/web01@latest?tls-psk-file=$work"
  sed 's/^bob/alice/' psk-bob/keys.psk >wrong
  refused nbdinfo --size "$uri/wrong"
  wait_until 10 grep -q "key for 'alice' differs from the server's" serve.log || fail "$(cat serve.log)"
  sed 's/^alice/mallory/' psk-alice/keys.psk >unknown
  refused nbdinfo --size "${uri/alice@/mallory@}/unknown"
  wait_until 10 grep -q "no key for user 'mallory'" serve.log || fail "$(cat serve.log)"
  make_authority authority
  make_certificate authority client carol carol
  refused nbdinfo --size \
    "nbds://localhost:$server_port/web01@latest?tls-certificates=$work/carol"
  wait_until 10 grep -q 'no ECDHE-PSK cipher suite' serve.log || fail "$(cat serve.log)"
}

test_printed_URIs_ask_for_TLS() {
  back_up_disk
  make_keys
  head -n 1 keys >key-of-alice
  chmod 600 key-of-alice
  "$varve" serve web01@latest --unix s.sock --tls-psk key-of-alice --print-uri >uri 2>>serve.log &
  defer stop_process $!
  wait_until 10 test -s uri
  grep -q '^nbds+unix://alice@/web01%40[0-9a-f]\{16\}?socket=/' uri || fail "$(cat uri)"
  nbdinfo --size "$(cat uri)&tls-psk-file=$work/key-of-alice"
}

test_SIGHUP_reads_certificates_again() {
  serve_encrypted
  URI=$(encrypted_uri nobody) /usr/bin/python3 - <<'PYTHON' &
import nbd, os
h = nbd.NBD()
h.set_uri_allow_local_file(True)
h.connect_uri(os.environ["URI"])
os.mkfifo("go")
open("go").read()
assert h.pread(512, 0) == open("disk.raw", "rb").read(512)
PYTHON
  local reader=$!
  wait_until 20 test -p go
  # Another authority altogether.
  make_authority new-authority
  make_certificate new-authority server server localhost DNS:localhost
  mkdir newcomer
  cp new-authority/ca-cert.pem newcomer/
  refused nbdinfo --size "$(encrypted_uri newcomer)"
  kill -HUP "$server_pid"
  wait_until 10 nbdinfo --size "$(encrypted_uri newcomer)" || fail "$(cat serve.log)"
  refused nbdinfo --size "$(encrypted_uri nobody)"
  # What cannot be used changes nothing.
  echo nonsense >server/server-key.pem
  kill -HUP "$server_pid"
  wait_until 10 grep -q 'server-key.pem: it contains no private key' serve.log || fail "$(cat serve.log)"
  nbdinfo --size "$(encrypted_uri newcomer)"
  echo >go
  wait "$reader" || fail "a client that was there before was disturbed"
}

test_a_server_does_not_start_with_files_that_it_cannot_use() {
  back_up_disk
  make_authority authority
  make_certificate authority server server localhost DNS:localhost
  expect_exit 1 "$varve" serve --unix s --tls-certificates nowhere
  expect_output 'nowhere: there is no such directory'
  rm server/ca-cert.pem
  expect_exit 1 "$varve" serve --unix s --tls-certificates server --tls-verify-peer
  expect_output 'server/ca-cert.pem: cannot read it: No such file'
  cp authority/ca-key.pem server/server-key.pem
  expect_exit 1 "$varve" serve --unix s --tls-certificates server
  expect_output 'server/server-key.pem: it does not belong to the certificate'
  echo 'alice:1234' >keys
  expect_exit 1 "$varve" serve --unix s --tls-psk keys
  expect_output 'keys: line 1: the key of .alice. has 2 bytes'
  [[ ! -e s ]] || fail "there is a socket"
}

test_a_key_that_everybody_can_read_is_worth_a_warning() {
  back_up_disk
  make_keys
  chmod 644 keys
  start_server --tls-psk keys
  wait_until 10 grep -q 'warning: every user can read keys' serve.log || fail "$(cat serve.log)"
}

test_options_that_do_not_go_together() {
  local options
  while read -r options; do
    # shellcheck disable=SC2086 # words are meant to be split
    expect_exit 2 "$varve" serve --unix s $options
  done <<'MISTAKES'
--tls on
--tls require
--tls sometimes
--tls off --tls-psk x
--tls-psk x --tls-certificates y
--tls-verify-peer
--tls-verify-peer --tls-psk x
--tls-allow x
--tls-psk x --tls-allow=
MISTAKES
}

test_garbage_in_place_of_TLS_hurts_nobody() {
  serve_encrypted
  PORT=$server_port /usr/bin/python3 - <<'PYTHON'
import os, random, socket, struct
generator = random.Random(1)
for number in range(100):
    s = socket.create_connection(("localhost", int(os.environ["PORT"])))
    s.settimeout(10)
    s.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 5, 0))
    try:
        s.recv(38, socket.MSG_WAITALL)
        record = generator.randbytes(generator.randrange(300))
        if number % 2:
            record = b"\x16\x03\x01" + struct.pack(">H", len(record)) + record
        s.sendall(record)
        if number % 3 == 0:
            s.shutdown(socket.SHUT_WR)
            while s.recv(65536):
                pass
    except OSError:
        pass
    s.close()
PYTHON
  nbdcopy "$(encrypted_uri nobody)" - | cmp - disk.raw
  expect_at_most "$(wc -l <serve.log)" 70 "lines of log"
}

# The client has the server's answer to its first message, and goes on while the server stops.
test_a_server_that_stops_during_TLS_handshakes_ends_in_order() {
  serve_encrypted
  PORT=$server_port SERVER=$server_pid /usr/bin/python3 - <<'PYTHON'
import os, signal, socket, ssl, struct, time

context = ssl.create_default_context(cafile="nobody/ca-cert.pem")

class Client:
    def __init__(self):
        self.s = socket.create_connection(("localhost", int(os.environ["PORT"])))
        self.s.settimeout(10)
        self.s.recv(18, socket.MSG_WAITALL)
        self.s.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 5, 0))
        self.s.recv(20, socket.MSG_WAITALL)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    # One step of the handshake; what is to be sent is returned.
    def step(self):
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()

    def receive(self):
        try:
            self.incoming.write(self.s.recv(65536))
        except OSError:
            pass

    def send(self, data):
        try:
            self.s.sendall(data)
        except OSError:
            pass

silent, asking, answered, halfway, closing = [[Client() for _ in range(4)] for _ in range(5)]
for c in asking + answered + halfway + closing:
    c.send(c.step())
for c in answered + halfway + closing:
    c.receive()
last = {c: c.step() for c in answered + halfway + closing}
for c in halfway:
    c.send(last[c][:20])
for c in closing:
    c.send(last[c])
    c.s.shutdown(socket.SHUT_WR)
os.kill(int(os.environ["SERVER"]), signal.SIGTERM)
time.sleep(0.2)
for c in asking:
    c.receive()
    c.send(c.step())
for c in answered:
    c.send(last[c])
for c in halfway:
    c.send(last[c][20:])
for c in silent:
    c.send(c.step())
time.sleep(0.5)
PYTHON
  local status=0
  wait "$server_pid" || status=$?
  [[ $status == 0 ]] || fail "the server ended with $status: $(cat serve.log)"
}

test_memory_of_idle_clients_that_were_busy_once() {
  serve_encrypted
  PORT=$server_port SERVER=$server_pid /usr/bin/python3 - <<'PYTHON'
import os, socket, ssl, struct

def receive(s, count):
    data = bytearray()
    while len(data) < count:
        part = s.recv(count - len(data))
        assert part, "the server closed"
        data += part

context = ssl.create_default_context(cafile="nobody/ca-cert.pem")
name = b"web01@latest"

def enter():
    s = socket.create_connection(("localhost", int(os.environ["PORT"])))
    s.settimeout(20)
    receive(s, 18)
    s.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">II", 5, 0))
    receive(s, 20)
    s = context.wrap_socket(s, server_hostname="localhost")
    s.sendall(b"IHAVEOPT" + struct.pack(">III", 7, 6 + len(name), len(name)) + name + bytes(2))
    receive(s, 20 + 12 + 20)
    return s

clients = [enter() for _ in range(200)]
for s in clients:
    s.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, 1, 0, 1 << 20))
    receive(s, 16 + (1 << 20))
with open(f"/proc/{os.environ['SERVER']}/status") as status:
    anonymous = int(dict(line.split(":") for line in status)["RssAnon"].split()[0])
assert anonymous < 100 << 10, f"{anonymous} KiB for 200 clients"
PYTHON
}
