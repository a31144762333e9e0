# `varve run`: a command with a revision as an NBD export, and nothing left of it afterwards.
#
# What stands in single quotes is the command's to expand.
# shellcheck disable=SC2016

one_revision() {
  "$varve" init
  make_mixed_volume disk.raw 48 1
  "$varve" backup job disk.raw
  # What is left behind would be found here.
  mkdir -p temporary
  export TMPDIR=$work/temporary
}

expect_nothing_left() { expect_equal "$(ls -A temporary)" "" "what is left in \$TMPDIR"; }

test_real_clients_by_the_shell_and_directly() {
  one_revision
  expect_equal "$("$varve" run job@latest -- nbdinfo --size '$uri')" "$(stat -c %s disk.raw)"
  "$varve" run job -- 'nbdcopy "$uri" - | cmp - disk.raw'
  "$varve" run job@0 -- nbdcopy '${uri}' copy.raw
  expect_same_bytes disk.raw copy.raw
  "$varve" run job@first -- qemu-img compare -f raw -F raw disk.raw '$uri'
  "$varve" run job -- '[ "$uri" = "nbd+unix:///?socket=$unixsocket" ] && [ -z "$exportname" ] &&
    [ -S "$unixsocket" ]'
  expect_nothing_left
}

test_only_the_one_volume_is_served() {
  "$varve" init
  make_mixed_volume a.raw 4 1
  make_mixed_volume b.raw 8 2
  "$varve" backup db01 vda=a.raw vdb=b.raw
  "$varve" backup other a.raw
  expect_exit 1 "$varve" run db01 -- true
  expect_output 'vda.*vdb'
  "$varve" run db01/vdb -- 'nbdcopy "$uri" - | cmp - b.raw'
  expect_exit 1 "$varve" run db01/vdb -- 'nbdinfo "nbd+unix:///other@latest?socket=$unixsocket"'
  expect_exit 1 "$varve" run db01/vdb -- 'nbdinfo "nbd+unix:///db01@latest/vda?socket=$unixsocket"'
}

test_nobody_else_reaches_the_socket() {
  one_revision
  expect_equal "$("$varve" run job -- 'stat -c %a "$(dirname "$unixsocket")"')" 700
}

test_exit_status_is_that_of_the_command() {
  one_revision
  local status
  for status in 0 1 3 77 255; do expect_exit "$status" "$varve" run job -- "exit $status"; done
  expect_exit 143 "$varve" run job -- 'kill -TERM $$'
  expect_exit 127 "$varve" run job -- no-such-program-here argument
  expect_output 'no-such-program-here'
  expect_exit 126 "$varve" run job -- "$work/disk.raw" argument
  expect_exit 2 "$varve" run job
  expect_exit 1 "$varve" run job@99 -- true
  expect_nothing_left
}

test_standard_streams_are_the_commands() {
  one_revision
  expect_equal "$(echo words | "$varve" run job -- cat -)" words
  expect_equal "$("$varve" run job -- 'echo out; echo err >&2' 2>errors)" out
  expect_equal "$(<errors)" err
}

test_signals_are_passed_on() {
  one_revision
  local signal pid status
  for signal in INT TERM; do
    rm -f ready
    interruptible "$varve" run job -- \
      'trap "echo got > caught; exit 9" '$signal'; touch ready; while :; do sleep 0.05; done' &
    pid=$!
    wait_until 20 test -e ready
    kill "-$signal" "$pid"
    status=0
    wait "$pid" || status=$?
    expect_equal "$status" 9 "exit status after SIG$signal"
    expect_equal "$(<caught)" got
    rm caught
    expect_nothing_left
  done
  # A command that knows nothing of signals ends by them.
  rm -f ready
  interruptible "$varve" run job -- 'touch ready; exec sleep 60' &
  pid=$!
  wait_until 20 test -e ready
  kill -TERM "$pid"
  status=0
  wait "$pid" || status=$?
  expect_equal "$status" 143 "exit status"
  expect_nothing_left
}

# What is typed at the terminal reaches every program in front, and each only once.
test_control_c_reaches_the_command_once() {
  one_revision
  # shellcheck disable=SC2016 # for the command's shell
  expect_exit 5 python3 "$integration/lib/type-at-terminal.py" ready. '\x03' "$varve" run job -- \
    'n=0; trap "n=$((n+1)); echo caught $n." INT; echo ready.;
      for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done; exit 5'
  expect_equal "$(grep --only-matching caught <<<"$output" | wc -l)" 1 "interrupts"
  expect_nothing_left
}

test_what_is_written_is_thrown_away() {
  one_revision
  expect_exit 1 "$varve" run job -- qemu-io -f raw -c 'write -P 0x5a 1M 64k' '$uri'
  random_bytes "$(stat -c %s disk.raw)" 9 >changed.raw
  # Several commands and connections see the same.
  "$varve" run job --writable -- 'set -e
    qemu-io -f raw -c "write -P 0x5a 1M 64k" -c flush "$uri"
    qemu-io -f raw -c "read -P 0x5a 1M 64k" "$uri"
    nbdcopy --connections=4 changed.raw "$uri"
    nbdcopy --connections=4 "$uri" - | cmp - changed.raw'
  "$varve" run job -- 'nbdcopy "$uri" - | cmp - disk.raw'
  expect_exit 0 "$varve" verify --all
  expect_nothing_left
}

test_encrypted_repository() {
  export VARVE_PASSPHRASE="correct horse"
  "$varve" init --encrypt passphrase
  make_mixed_volume disk.raw 12 3
  "$varve" backup job disk.raw
  "$varve" run job -- 'nbdcopy "$uri" - | cmp - disk.raw'
}

test_the_command_does_not_get_the_passphrase() {
  export VARVE_PASSPHRASE="correct horse"
  "$varve" init --encrypt passphrase
  make_mixed_volume disk.raw 3 3
  "$varve" backup job disk.raw
  # shellcheck disable=SC2016 # the command expands it
  "$varve" run job -- '! tr "\0" "\n" </proc/$$/environ | grep PASSPHRASE'
  "$varve" run job -- env >environment
  ! grep PASSPHRASE environment || fail "$(cat environment)"
  unset VARVE_PASSPHRASE
  VARVE_PASSPHRASE=other "$varve" revisions --passphrase-command \
    'env >environment; echo "correct horse"'
  ! grep PASSPHRASE environment || fail "$(cat environment)"
}
