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
  unset VARVE_PASSPHRASE
  python3 - "$varve" <<'PYTHON'
import os, pty, select, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], [sys.argv[1], "revisions"])
seen, sent = b"", False
while select.select([terminal], [], [], 20)[0]:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    seen += piece
    if not sent and b"assphrase" in seen:
        os.write(terminal, b"correct horse battery staple\n")
        sent = True
assert sent, seen
assert b"correct horse" not in seen, seen
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, seen
assert b"job" in seen, seen
PYTHON
}

test_passphrase_cannot_be_an_argument() {
  expect_exit 2 "$varve" init --encrypt passphrase --passphrase secret
}
