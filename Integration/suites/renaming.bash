# Jobs that get another name, while others work with them.

# new_bytes_of REVISION: what it brought that the repository did not have.
new_bytes_of() { "$varve" show "$1" --json | jq .newBytes; }

test_a_renamed_job_keeps_history_policy_and_deltas() {
  "$varve" init
  random_bytes 4000000 1 >disk.raw
  "$varve" backup web01 disk.raw --tag golden
  "$varve" backup web01 disk.raw
  "$varve" backup db01 disk.raw
  "$varve" policy set web01 --keep-last 7
  "$varve" protect web01@first
  local ids
  ids=$("$varve" revisions web01 --json | jq -c 'map(.id)')
  expect_exit 0 "$varve" rename-job web01 'Größe+#1~'
  expect_output "renamed the job web01 to Größe\+#1~: 2 revisions, and its policy"
  expect_equal "$("$varve" revisions 'Größe+#1~' --json | jq -c 'map(.id)')" "$ids"
  expect_equal "$("$varve" policy show 'Größe+#1~')" '--keep-last 7'
  expect_exit 1 "$varve" revisions web01
  expect_output "no job 'web01'; its jobs are Größe\+#1~, db01"
  expect_exit 1 "$varve" forget 'Größe+#1~@tag:golden'
  expect_output protected
  # The next backup has a parent, and stores what little changed as deltas.
  write_bytes disk.raw 1000000 x
  "$varve" backup 'Größe+#1~' disk.raw
  "$varve" show 'Größe+#1~' --json |
    jq -e --argjson ids "$ids" '.parent == $ids[1] and .volumes[0].deltaChunks == 1'
  expect_exit 0 "$varve" verify --all
  expect_exit 0 "$varve" check-repository
  # A name with an id that was written down is still good.
  expect_exit 0 "$varve" show "web01@$(jq -r '.[0]' <<<"$ids")"
}

# write_bytes FILE OFFSET TEXT
write_bytes() { printf %s "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

test_a_name_that_is_taken_or_wrong_is_refused() {
  "$varve" init
  echo content >disk.raw
  "$varve" backup web01 disk.raw
  "$varve" backup db01 disk.raw
  expect_exit 1 "$varve" rename-job web01 db01
  expect_output "nothing was renamed: job 'db01' already exists"
  expect_exit 1 "$varve" rename-job web02 web03
  expect_output "no job 'web02'"
  local name
  for name in web01 'a@b' 'a/b' '-x' '' $'B\xe4r'; do
    expect_exit 2 "$varve" rename-job -- web01 "$name"
  done
  "$varve" --json rename-job web01 db01 2>/dev/null >document || true
  jq -e '.error.code == "already-exists"' document
  "$varve" rename-job web01 web02 --json 2>/dev/null |
    jq -e '. == {job: "web02", formerName: "web01", revisions: 1, hasPolicy: false, isContinued: false}'
}

test_a_running_backup_is_waited_for() {
  "$varve" init
  random_bytes 300000 1 >disk.raw
  "$varve" backup web01 disk.raw
  mkfifo pipe
  "$varve" backup web01 disk=pipe &
  local backup=$!
  exec 7>pipe
  wait_until 20 session_of 'backup of web01'
  expect_exit 1 "$varve" rename-job web01 web02
  expect_output "a backup of web01 is running \(process $backup on"
  cat disk.raw >&7
  exec 7>&-
  wait "$backup"
  expect_exit 0 "$varve" rename-job web01 web02
  expect_output '2 revisions'
}

# session_of PURPOSE
session_of() { grep -rqs -- "$1" "$VARVE_REPOSITORY/sessions"; }

test_open_exports_pins_and_overlays_survive() {
  "$varve" init
  random_bytes 300000 1 >disk.raw
  truncate -s 300032 disk.raw
  "$varve" backup web01 disk.raw
  export VARVE_OVERLAYS=$work/overlays
  start_server web01 --overlay repair
  local overlay_uri overlay_server=$server_pid
  overlay_uri=$(nbd_uri "")
  start_server
  local id
  id=$("$varve" show web01 --json | jq -r .id)
  # One client stays connected while the job is renamed.
  nbdsh -u "$(nbd_uri web01@latest)" -c '
import subprocess, os
before = bytes(h.pread(300032, 0))
subprocess.run([os.environ["varve"], "rename-job", "web01", "web02"], check=True)
assert bytes(h.pread(300032, 0)) == before
open("read.raw", "wb").write(before)'
  expect_same_bytes read.raw disk.raw
  nbdcopy "$(nbd_uri web02@latest)" - | cmp - disk.raw
  nbdcopy "$(nbd_uri "web01@$id")" - | cmp - disk.raw
  qemu-io -f raw -c 'write -P 0x5a 0 64k' "$overlay_uri"
  expect_exit 1 "$varve" forget web02 --yes
  expect_exit 1 "$varve" forget web02@latest --yes
  expect_output 'of web02 is pinned'
  "$varve" pin list --json | jq -e '.pins[0].job == "web02"'
  "$varve" overlay list --json | jq -e '.[0].job == "web02"'
  stop_process "$overlay_server"
  expect_exit 0 "$varve" overlay commit repair
  "$varve" show web02 --json | jq -e --arg id "$id" '.parent == $id'
}

test_killed_at_any_moment_a_second_run_finishes() {
  "$varve" init
  echo content >disk.raw
  local number
  for number in 1 2 3; do "$varve" backup web01 disk.raw --verify none; done
  "$varve" policy set web01 --keep-last 7
  cp -a "$VARVE_REPOSITORY" before
  local call
  for call in fdatasync rename; do
    for ((number = 1; number <= 6; number++)); do
      rm -rf "$VARVE_REPOSITORY"
      cp -a before "$VARVE_REPOSITORY"
      strace -f -qq -o /dev/null -e "trace=/^$call" -e "inject=/^$call:signal=KILL:when=$number" \
        "$varve" rename-job web01 web02 && break
      expect_equal "$(count_revisions)" 3
      expect_exit 0 "$varve" rename-job web01 web02
      expect_equal "$("$varve" revisions web02 --json | jq length)" 3
      expect_equal "$("$varve" policy show web02)" '--keep-last 7'
      "$varve" policy show --json | jq -e 'length == 1'
    done
    expect_at_least "$number" 3 "calls of $call"
  done
}
