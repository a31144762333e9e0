# Encrypted repositories: who gets in, who does not, and what a thief sees.

# Words that must not be found in the files of an encrypted repository. They do not compress, so
# that nothing but encryption hides them.
readonly marker=9f1c7ae2-Zebra-Quartz-Vexing-51d0b7c3

encrypted_repository() {
  export VARVE_PASSPHRASE="correct horse battery staple"
  "$varve" init --encrypt passphrase --compression none
}

volume_with_marker() {
  random_bytes 20000000 1 >disk.raw
  printf '%s' "$marker" | dd of=disk.raw bs=1 seek=5000000 conv=notrunc status=none
}

# files_containing TEXT: files of the repository with TEXT in their names or bytes.
files_containing() {
  grep --recursive --files-with-matches --fixed-strings --text -- "$1" "$VARVE_REPOSITORY" || true
  find "$VARVE_REPOSITORY" -name "*$1*"
}

test_nothing_of_contents_and_names_is_readable() {
  volume_with_marker
  mkdir secret-directory
  cp disk.raw secret-directory/secret-source.raw
  echo "secret-attachment-words" >secret-attachment.xml
  local secrets=("$marker" secret-job secret-volume secret-tag secret-directory secret-source
    secret-attachment)

  # The same without encryption shows that the search finds what is there.
  "$varve" init --compression none
  back_up_secrets
  [[ -n $(files_containing "$marker") ]] || fail "not even a plain repository shows the marker"
  [[ -n $(files_containing secret-job) ]] || fail "not even a plain repository shows the job"

  export VARVE_REPOSITORY=$work/encrypted
  encrypted_repository
  back_up_secrets
  local secret
  for secret in "${secrets[@]}"; do
    expect_equal "$(files_containing "$secret")" "" "files that show '$secret'"
  done
}

back_up_secrets() {
  "$varve" backup secret-job secret-volume=secret-directory/secret-source.raw --tag secret-tag \
    --attach secret-attachment.xml
}

test_round_trip_and_exports() {
  encrypted_repository
  make_mixed_volume disk.raw 64 2
  "$varve" backup job disk.raw
  write_random disk.raw 30000000 3000 3
  "$varve" backup job disk.raw
  "$varve" restore job@latest - | cmp - disk.raw
  expect_exit 0 "$varve" verify --all
  start_server
  nbdcopy "$(nbd_uri job@latest)" - | cmp - disk.raw
}

test_wrong_or_missing_passphrase_is_an_error() {
  encrypted_repository
  volume_with_marker
  "$varve" backup job disk.raw
  local command
  for command in "revisions" "show job@latest" "restore job@latest -" "verify --all" \
    "backup job disk.raw"; do
    # shellcheck disable=SC2086 # words are meant to be split
    VARVE_PASSPHRASE="wrong" expect_exit 1 "$varve" $command
    expect_output 'passphrase|key'
  done
  unset VARVE_PASSPHRASE
  # In a session of its own there is no terminal to ask at.
  expect_exit 1 setsid --wait "$varve" revisions </dev/null
  expect_output 'passphrase'
}

test_passphrase_from_file_and_from_command() {
  encrypted_repository
  volume_with_marker
  unset VARVE_PASSPHRASE
  echo "correct horse battery staple" >passphrase
  chmod 600 passphrase
  "$varve" backup --passphrase-file passphrase job disk.raw
  "$varve" revisions --passphrase-command "cat $work/passphrase" --json | jq -e 'length == 1'
  expect_exit 1 "$varve" revisions --passphrase-command "echo wrong"
  expect_exit 1 "$varve" revisions --passphrase-command "false"
  expect_exit 1 "$varve" revisions --passphrase-file no-such-file
}

test_key_file_opens_the_repository() {
  volume_with_marker
  "$varve" init --encrypt keyfile --key-file first.key
  expect_equal "$(stat -c %a first.key)" 600 "mode of the key file"
  "$varve" backup --key-file first.key job disk.raw
  "$varve" restore --key-file first.key job@latest - | cmp - disk.raw
  expect_exit 1 setsid --wait "$varve" restore job@latest - </dev/null
  random_bytes 64 4 >wrong.key
  expect_exit 1 "$varve" restore --key-file wrong.key job@latest -
}

test_several_keys_open_the_repository_and_can_be_removed() {
  encrypted_repository
  volume_with_marker
  "$varve" backup job disk.raw
  echo "second passphrase" >second
  "$varve" key add --new-passphrase-file second
  "$varve" key add --new-key-file third.key
  expect_equal "$("$varve" key list --json | jq length)" 3 "keys"
  VARVE_PASSPHRASE="second passphrase" "$varve" restore job@latest - | cmp - disk.raw
  "$varve" restore --key-file third.key job@latest - | cmp - disk.raw

  local first
  first=$(keys_used_now true)
  VARVE_PASSPHRASE="second passphrase" "$varve" key remove "$first"
  expect_exit 1 "$varve" restore job@latest -
  export VARVE_PASSPHRASE="second passphrase"
  "$varve" restore job@latest - | cmp - disk.raw
  "$varve" key remove "$(keys_used_now false)"
  expect_exit 1 "$varve" key remove "$(keys_used_now true)"
  expect_output 'last|only'
  "$varve" restore job@latest - | cmp - disk.raw
}

# keys_used_now BOOLEAN: ids of the keys that do, or do not, open the repository now.
keys_used_now() {
  "$varve" key list --json | jq -er --argjson used "$1" '.[] | select(.usedNow == $used) | .id'
}

test_a_paper_key_is_no_new_key_file() {
  "$varve" init first --encrypt keyfile --key-file key
  "$varve" key export --repository first --key-file key >paper
  expect_exit 1 "$varve" init second --encrypt keyfile --key-file paper
  expect_output 'paper is a paper key'
  [[ ! -e second ]]
  expect_exit 1 "$varve" key add --repository first --key-file key --new-key-file paper
  expect_output 'paper is a paper key'
}

test_key_on_paper_opens_the_repository_when_all_else_is_lost() {
  encrypted_repository
  volume_with_marker
  "$varve" backup job disk.raw
  "$varve" key export >paper
  grep -q '[[:alnum:]]' paper
  unset VARVE_PASSPHRASE
  "$varve" restore --key-file paper job@latest - | cmp - disk.raw
  echo "a new passphrase" >new
  "$varve" key import paper --new-passphrase-file new
  VARVE_PASSPHRASE="a new passphrase" "$varve" restore job@latest - | cmp - disk.raw
  sed '5s/: ..../: f00d/' paper >mistyped
  expect_exit 1 "$varve" key import mistyped --new-passphrase-file new
  expect_output 'line'
}

test_passphrase_is_asked_for_at_a_terminal_and_not_echoed() {
  encrypted_repository
  volume_with_marker
  "$varve" backup job disk.raw
  local passphrase=$VARVE_PASSPHRASE
  unset VARVE_PASSPHRASE
  python3 "$integration/lib/type-at-terminal.py" assphrase "$passphrase\n" "$varve" revisions >written
  grep --quiet job written || fail "$(<written)"
  ! grep --quiet "$passphrase" written || fail "the passphrase is on the terminal"
}

test_a_key_file_is_made_only_where_it_opens_the_repository() {
  encrypted_repository
  "$varve" key export >paper
  sed '5s/: ..../: f00d/' paper >mistyped
  expect_exit 1 "$varve" key import mistyped --new-key-file new.key
  [[ ! -e new.key ]] || fail "there is a key that opens nothing"
  "$varve" key import paper --new-key-file new.key
  "$varve" revisions --key-file new.key
  unset VARVE_PASSPHRASE
  expect_exit 1 "$varve" init "$VARVE_REPOSITORY" --encrypt keyfile --key-file other.key
  [[ ! -e other.key ]] || fail "there is a key of a repository that was not made"
}

# try_passphrase PRINTF_FORMAT REASON: a new passphrase is refused from a file, a command and the environment.
try_passphrase() {
  # shellcheck disable=SC2059 # the format is what is tried
  printf "$1" >new
  expect_exit 1 "$varve" key add --new-passphrase-file new
  expect_output "$2"
  expect_exit 1 "$varve" key add --new-passphrase-command "printf '$1'"
  expect_output "$2"
}

test_passphrases_that_cannot_be_given_everywhere_are_refused() {
  encrypted_repository
  try_passphrase '\357\273\277secret\n' 'byte order mark'
  try_passphrase 'sec\000ret\n' 'zero byte'
  try_passphrase 'sec\rret\n' 'carriage return'
  try_passphrase 'secret\r' 'carriage return'
  try_passphrase 'one\ntwo\n' 'second line'
  VARVE_PASSPHRASE=$'one\ntwo' expect_exit 1 "$varve" init elsewhere --encrypt passphrase
  expect_output 'second line.*VARVE_PASSPHRASE'
  [[ ! -e elsewhere/config ]] || fail "the repository was made"
}

# The same bytes, Latin-1 ones as well, open the repository whichever way they come.
test_prompt_file_command_and_environment_agree() {
  export VARVE_PASSPHRASE=$' p\344ss  \303\244\t'
  "$varve" init --encrypt passphrase
  "$varve" revisions
  printf '%s\n' "$VARVE_PASSPHRASE" >file
  printf '%s\r\n' "$VARVE_PASSPHRASE" >file-of-windows
  export PASSPHRASE_BYTES=$VARVE_PASSPHRASE
  unset VARVE_PASSPHRASE
  "$varve" revisions --passphrase-file file
  "$varve" revisions --passphrase-file file-of-windows
  "$varve" revisions --passphrase-command 'cat file'
  /usr/bin/python3 - "$varve" <<'PYTHON'
import os, pty, select, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], [sys.argv[1], "revisions"])
seen = b""
while b"assphrase" not in seen:
    assert select.select([terminal], [], [], 20)[0], seen
    seen += os.read(terminal, 4096)
os.write(terminal, os.environb[b"PASSPHRASE_BYTES"] + b"\n")
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, seen
PYTHON
}

# Somebody without the keys can put any slot there.
test_a_forged_key_slot_costs_no_time_and_is_named() {
  encrypted_repository
  /usr/bin/python3 - "$VARVE_REPOSITORY/keys" <<'PYTHON'
import hashlib, pathlib, sys
keys = pathlib.Path(sys.argv[1])
slot = bytearray(next(p for p in keys.iterdir() if p.name != "lock").read_bytes())
for n, r, p in [(18, 8, 16), (21, 1, 16), (24, 64, 16), (15, 64, 16)]:
    slot[65], slot[68], slot[72] = n, r, p
    (keys / hashlib.sha256(slot).hexdigest()).write_bytes(slot)
PYTHON
  SECONDS=0
  "$varve" revisions 2>messages
  expect_at_most "$SECONDS" 10 "seconds to open the repository"
  grep -q 'warning: .*key [0-9a-f]*.*is more than this program pays' messages || fail "$(cat messages)"
  expect_equal "$("$varve" key list --json | jq '[.[] | select(.problem != null)] | length')" 4 \
    "keys that cannot be used"
  local forged
  for forged in $("$varve" key list --json | jq -r '.[] | select(.problem != null) | .id'); do
    "$varve" key remove "$forged"
  done
  "$varve" revisions 2>messages
  expect_equal "$(cat messages)" "varve: no revisions" "what is said without those keys"
}

test_passphrase_cannot_be_an_argument() {
  expect_exit 2 "$varve" init --encrypt passphrase --passphrase secret
}
