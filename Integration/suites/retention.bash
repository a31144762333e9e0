# Which revisions stay and which go, on days and nights that a false clock makes.

export TZ=UTC

# varve_at TIME ARGUMENT...: the program, while the clock shows TIME.
varve_at() { faketime "$1" "$varve" "${@:2}"; }

# back_up_at JOB TIME...: a revision of each time.
back_up_at() {
  local job=$1 time
  for time in "${@:2}"; do
    echo "$job $time" >disk.raw
    varve_at "$time" backup "$job" disk.raw --verify none >/dev/null 2>&1
  done
}

# days_of JOB: when its revisions are of, on one line.
days_of() {
  "$varve" revisions --json | jq -r --arg job "$1" \
    '[.[] | select(.job == $job) | .created[0:10]] | join(" ")'
}

# id_of REVISION
id_of() { "$varve" show --json "$1" | jq -er .id; }

# forty_nights: of web01, the last of them 2026-11-19.
forty_nights() {
  "$varve" init
  local night
  for night in $(seq 39 -1 0); do
    back_up_at web01 "$(date -u -d "2026-11-19 - $night days" +%Y-%m-%d) 01:30:00"
  done
  expect_equal "$(count_revisions)" 40
}

test_what_the_rules_keep_stays_and_the_rest_goes() {
  forty_nights
  local rules=(--keep-daily 3 --keep-weekly 3 --keep-monthly 2)
  expect_exit 0 varve_at "2026-11-19 12:00:00" prune "${rules[@]}" --dry-run
  expect_output 'would delete 34 of 40 revisions, but only with --yes'
  expect_output 'web01@0 .* keep +daily 1 of 3, weekly 1 of 3,'
  expect_output '2026-10-31 .* keep +monthly 2 of 2'
  expect_output '2026-10-30 .* delete +not kept by any rule'
  expect_exit 1 varve_at "2026-11-19 12:00:00" prune "${rules[@]}"
  expect_output 'nothing was deleted: 34 of 40 revisions of web01 would be deleted, which is more than half'
  expect_equal "$(count_revisions)" 40
  expect_exit 0 varve_at "2026-11-19 12:00:00" prune "${rules[@]}" --yes
  expect_output "deleted 34 of 40 revisions; run 'varve gc' to free space"
  expect_equal "$(days_of web01)" \
    "2026-10-31 2026-11-08 2026-11-15 2026-11-17 2026-11-18 2026-11-19"
  expect_exit 0 varve_at "2026-11-19 12:00:00" prune "${rules[@]}"
  expect_output 'nothing to delete'
  expect_equal "$("$varve" restore web01@first -)" "web01 2026-10-31 01:30:00"
  expect_exit 0 "$varve" verify --all
  back_up_at web01 "2026-11-20 01:30:00"
  expect_exit 0 varve_at "2026-11-20 12:00:00" prune "${rules[@]}"
  expect_output 'deleted 1 of '
}

varve_on_full_output() { "$varve" "$@" >/dev/full; }

# What cannot be told is not done.
test_nothing_goes_before_it_is_printed() {
  "$varve" init
  back_up_at web01 "2026-11-1"{6..9}" 01:30:00"
  expect_exit 1 varve_on_full_output prune --keep-last 2
  expect_output 'standard output'
  expect_exit 1 varve_on_full_output prune --keep-last 2 --json
  expect_exit 1 varve_on_full_output forget web01@first
  expect_exit 1 varve_on_full_output forget web01@first --json
  expect_equal "$(count_revisions)" 4
  expect_exit 0 "$varve" forget web01@first
  expect_exit 0 "$varve" prune --keep-last 2
  expect_equal "$(days_of web01)" "2026-11-18 2026-11-19"
}

test_policies_are_stored_and_used() {
  "$varve" init --encrypt passphrase --passphrase-file <(echo secret)
  export VARVE_PASSPHRASE=secret
  back_up_at web01-of-the-bank 2026-11-{16,17,18,19}" 01:30:00"
  back_up_at db01 2026-11-{16,17,18,19}" 01:30:00"
  "$varve" tag add db01@latest daily
  expect_exit 2 "$varve" prune
  expect_output 'no retention rules given'
  expect_exit 2 "$varve" policy set web01-of-the-bank
  expect_exit 0 "$varve" policy set web01-of-the-bank --keep-last 2 --time-zone Europe/Berlin
  # The job without a policy is left alone; named, it is a mistake.
  expect_exit 2 varve_at "2026-11-19 12:00:00" prune db01
  expect_exit 0 varve_at "2026-11-19 12:00:00" prune
  expect_output 'not pruned \(no policy\): db01'
  expect_output 'deleted 2 of 4'
  expect_exit 0 "$varve" policy set --keep-schedule daily=1d:9 --keep-within 1d6h
  expect_exit 0 "$varve" policy show
  expect_output '\(default\) +--keep-within 1d6h --keep-schedule daily=1d:9'
  expect_equal "$("$varve" policy show web01-of-the-bank)" "--keep-last 2 --time-zone Europe/Berlin"
  "$varve" policy show db01 --json | jq -e '.isDefault and (.policy.rules | length == 2)'
  expect_exit 0 varve_at "2026-11-19 12:00:00" prune db01
  expect_equal "$(days_of db01)" "2026-11-18 2026-11-19"
  # Options take the place of a policy, not of a part of it.
  expect_exit 0 varve_at "2026-11-19 12:00:00" prune --keep-last 1 --dry-run --json
  expect_exit 0 "$varve" policy remove web01-of-the-bank
  expect_exit 1 "$varve" policy remove web01-of-the-bank
  expect_exit 1 grep --recursive --text --extended-regexp 'of-the-bank|Berlin|daily' \
    "$VARVE_REPOSITORY/policy" "$VARVE_REPOSITORY/forgotten"
}

test_what_a_mistyped_argument_can_be_is_said() {
  "$varve" init
  back_up_at web01 "2026-11-1"{6..9}" 01:30:00"
  "$varve" tag add web01@first golden
  expect_exit 0 "$varve" prune --keep-tag goldn --keep-schedule golden=1d:1 --dry-run
  expect_output "would delete 2 of 4 revisions, but only with --yes: a rule names the tag 'goldn', but no revision has it"
  ! grep "tag 'golden'" <<<"$output" || fail "golden is a tag"
  expect_exit 1 "$varve" prune --keep-tag goldn --keep-last 1
  expect_output "nothing was deleted: a rule names the tag 'goldn', but no revision has it"
  expect_exit 1 "$varve" prune --keep-schedule goldn=1d:1 --keep-last 1 --json
  "$varve" policy set --keep-tag goldn --keep-last 1
  expect_exit 1 "$varve" prune
  expect_equal "$(count_revisions)" 4
  "$varve" policy remove
  expect_exit 0 "$varve" prune --keep-tag goldn --keep-last 9
  expect_output "warning: a rule names the tag 'goldn', but no revision has it"
  expect_exit 0 "$varve" policy set wbe01 --keep-tag golden
  expect_output "warning: the repository has no job 'wbe01'; its jobs are web01"
  expect_exit 0 "$varve" policy set web01 --keep-tag goldn
  expect_output "warning: no revision has the tag 'goldn' yet"
  expect_exit 0 "$varve" policy show wbe01
  expect_output "warning: the repository has no job 'wbe01'"
  "$varve" policy remove wbe01
  "$varve" policy remove web01
  expect_exit 2 "$varve" prune --keep-last 0
  expect_output "invalid for '--keep-last <n>': expected a whole number from 1 to 1000000"
  expect_exit 2 "$varve" gc --max-copy 1GB
  expect_output "expected bytes, or a size in binary units"
  expect_exit 2 "$varve" gc --max-minutes 0.5
  expect_output "expected whole minutes"
  expect_exit 2 "$varve" verify --sample 5
  expect_output "expected a percentage above 0% and up to 100%, such as 5%"
  expect_exit 0 "$varve" policy show
  expect_output "no policies are stored"
  expect_exit 0 "$varve" unprotect web01@0
  expect_output "was not protected"
  expect_exit 1 faketime "1969-06-01 00:00:00" "$varve" backup web01 disk.raw
  expect_output "clock of this machine shows a time before 1970"
}

test_damaged_policies_can_be_replaced() {
  "$varve" init
  back_up_at web01 "2026-11-1"{6..9}" 01:30:00"
  "$varve" policy set web01 --keep-last 1
  printf damage | dd of="$VARVE_REPOSITORY/policy" bs=1 seek=70 conv=notrunc status=none
  expect_exit 1 "$varve" prune
  expect_output "'varve policy set' replaces the file"
  expect_exit 1 "$varve" policy remove web01
  expect_exit 0 "$varve" usage
  expect_output 'warning: cannot tell what pruning would free'
  expect_exit 0 "$varve" prune --keep-last 3
  expect_output 'deleted 1 of 4'
  expect_exit 0 "$varve" policy set --keep-last 2
  expect_output 'warning: .*policy'
  expect_equal "$("$varve" policy show --json | jq -r '[.[].options] | join(" ")')" "--keep-last 2"
  expect_exit 0 "$varve" prune
  expect_output 'deleted 1 of 3'
}

test_days_begin_in_the_time_zone_that_is_stated() {
  "$varve" init
  back_up_at web01 "2026-10-24 21:30:00" "2026-10-24 22:30:00" "2026-10-25 21:30:00" \
    "2026-10-25 22:30:00" "2026-10-25 23:30:00"
  expect_exit 0 varve_at "2026-10-26 12:00:00" prune --keep-daily 9 --dry-run
  expect_output 'would delete 3 of 5'
  # The day in Berlin has 25 hours.
  expect_exit 0 varve_at "2026-10-26 12:00:00" prune --keep-daily 9 --time-zone Europe/Berlin
  expect_output '2026-10-26 00:30:0'
  expect_equal "$(varve_at "2026-10-26 12:00:00" revisions --json | jq -r '[.[].created[0:16]] | join(" ")')" \
    "2026-10-24T21:30 2026-10-25T22:30 2026-10-25T23:30"
  expect_exit 2 "$varve" prune --keep-daily 9 --time-zone Europe/Berln
  expect_output "Time zone 'Europe/Berln' is not installed"
  local zone
  for zone in Europe/Berln Berln :Europe/Berln /nowhere; do
    TZ=$zone expect_exit 1 "$varve" prune --keep-daily 9
    expect_output "variable TZ is '$zone', which is not a time zone"
  done
  for zone in "" UTC Europe/Berlin :Europe/Berlin /usr/share/zoneinfo/Europe/Berlin \
    CET-1CEST,M3.5.0,M10.5.0/3 "<+03>-3"; do
    TZ=$zone expect_exit 0 "$varve" prune --keep-daily 9 --dry-run
  done
}

test_clocks_that_are_wrong_forget_nothing() {
  "$varve" init
  back_up_at web01 2026-11-1{1,2,3,4,5,6,7,8,9}" 01:30:00"
  expect_exit 0 varve_at "2000-01-01 00:10:00" prune --keep-last 1 --yes
  expect_output '9 revisions of web01, the first of 2026-11-11 .* in the future: a clock'
  expect_equal "$(count_revisions)" 9
  expect_exit 0 varve_at "2060-01-01 00:10:00" prune --keep-within 30d --yes
  expect_equal "$(count_revisions)" 9
  # A machine that came up in the year 2000 backs up; what it made stays with what it was made from.
  back_up_at web01 "2000-01-01 00:10:00"
  expect_exit 0 varve_at "2026-11-19 12:00:00" prune --keep-last 5
  expect_output '2000-01-01 .* keep +made after [0-9a-f]{12} with a clock'
  expect_equal "$(count_revisions)" 6
  # One that came up in the year 2060 takes no place.
  back_up_at web01 "2060-01-01 00:10:00"
  expect_exit 0 varve_at "2026-11-19 12:00:00" prune --keep-last 4
  expect_output '2060-01-01 .* keep +in the future'
  expect_output '1 revision of web01, .* has a time in the future'
  expect_equal "$(count_revisions)" 6
}

test_distrusted_revisions_take_no_place() {
  "$varve" init
  random_bytes 3000000 1 >disk.raw
  varve_at "2026-11-15 01:30:00" backup web01 disk.raw --verify none
  random_bytes 3000000 2 >disk.raw
  varve_at "2026-11-19 01:30:00" backup web01 disk.raw --verify none
  local newest
  newest=$(find "$VARVE_REPOSITORY/packs/data" -type f -printf '%T@ %p\n' | sort -n | tail -n 1)
  dd if=/dev/zero of="${newest#* }" bs=64K seek=4 count=2 conv=notrunc status=none
  expect_exit 1 "$varve" verify web01@latest
  expect_exit 0 varve_at "2026-11-19 12:00:00" prune --keep-last 1
  expect_output '2026-11-15 .* keep +last 1 of 1, newest usable revision'
  expect_output '2026-11-19 .* distrusted +keep +last 1 of 1'
  expect_equal "$(count_revisions)" 2
}

test_protected_revisions_are_neither_pruned_nor_forgotten() {
  "$varve" init
  back_up_at web01 2026-11-1{6,7,8,9}" 01:30:00"
  expect_exit 0 "$varve" protect web01@first web01@2
  expect_exit 0 "$varve" revisions
  expect_output '2026-11-16 .* trusted, protected *$'
  "$varve" revisions --json | jq -e '[.[].isProtected] == [true, true, false, false]'
  expect_exit 0 "$varve" show web01@first
  expect_output '^protected +yes'
  expect_exit 0 varve_at "2026-11-19 12:00:00" prune --keep-last 1
  expect_equal "$(days_of web01)" "2026-11-16 2026-11-17 2026-11-19"
  expect_exit 1 "$varve" forget web01@first web01@latest --yes
  expect_output 'nothing was forgotten: protected'
  expect_equal "$(count_revisions)" 3
  expect_exit 0 "$varve" unprotect web01@first
  expect_exit 0 "$varve" forget web01@first
  expect_exit 0 "$varve" forget web01@first --force-protected
  expect_equal "$(days_of web01)" "2026-11-19"
}

test_what_is_forgotten_is_gone_for_everybody() {
  "$varve" init
  back_up_at web01 2026-11-1{7,8,9}" 01:30:00"
  local id
  id=$(id_of web01@1)
  expect_exit 1 "$varve" forget web01
  expect_output "'web01' is a job"
  expect_exit 2 "$varve" forget web01@1/disk
  expect_exit 2 "$varve" forget
  expect_exit 0 "$varve" forget web01@1 "web01@$id" --dry-run
  expect_output 'would forget 1 revision'
  "$varve" forget web01@1 --json 2>/dev/null | jq -es 'length == 1 and (.[0].revisions | length) == 1'
  expect_equal "$(days_of web01)" "2026-11-17 2026-11-19"
  local command
  for command in "show $id" "restore $id -" "verify $id" "forget $id" "protect $id" "tag add $id x"; do
    # shellcheck disable=SC2086 # words are meant to be split
    expect_exit 1 "$varve" $command
  done
  expect_exit 0 "$varve" verify --all
}

test_the_last_good_one_wants_a_word() {
  "$varve" init
  back_up_at web01 2026-11-1{8,9}" 01:30:00"
  back_up_at db01 "2026-11-19 01:30:00"
  expect_exit 1 "$varve" forget db01@latest
  expect_output 'no revision of db01 would be left; add --yes'
  expect_exit 1 "$varve" forget web01@0 web01@1 db01@0
  expect_exit 1 "$varve" forget --job db01
  expect_equal "$(count_revisions)" 3
  expect_exit 0 "$varve" forget --job db01 --yes
  expect_exit 0 "$varve" forget web01@0
  expect_equal "$(days_of web01)" "2026-11-18"
}

test_orphaned_jobs_are_listed_and_go_when_told_so() {
  "$varve" init
  back_up_at gone 2026-01-0{1,2,3}" 01:30:00"
  back_up_at there 2026-11-1{8,9}" 01:30:00"
  "$varve" protect gone@1
  expect_exit 2 "$varve" prune --forget-orphaned
  expect_exit 0 varve_at "2026-11-19 12:00:00" prune --orphaned-after 90d
  expect_output '^gone +2026-01-03 01:30:0[0-9] +3$'
  expect_equal "$(count_revisions)" 5
  expect_exit 1 varve_at "2026-11-19 12:00:00" prune --orphaned-after 90d --forget-orphaned
  expect_output 'nothing was deleted: 2 of 3 revisions of gone'
  expect_equal "$(count_revisions)" 5
  expect_exit 0 varve_at "2026-11-19 12:00:00" prune --orphaned-after 90d --forget-orphaned --yes
  expect_equal "$(days_of gone)" "2026-01-02"
  expect_equal "$(days_of there)" "2026-11-18 2026-11-19"
  expect_exit 0 varve_at "2060-01-01 00:10:00" prune --orphaned-after 90d
  expect_output 'every job is orphaned: is the clock right'
}

test_a_revision_that_cannot_be_read_stops_everything() {
  "$varve" init
  back_up_at web01 2026-11-1{6,7,8,9}" 01:30:00"
  local id
  id=$(id_of web01@first)
  echo damage >>"$VARVE_REPOSITORY/revisions/$id"
  expect_exit 1 varve_at "2026-11-19 12:00:00" prune --keep-last 1 --yes
  expect_output "revision $id cannot be read"
  expect_output 'nothing was deleted: a revision cannot be read'
  expect_exit 1 "$varve" forget "$id"
  expect_output 'add --yes'
  expect_equal "$(find "$VARVE_REPOSITORY/revisions" -type f | wc -l)" 4
  expect_exit 0 "$varve" forget "$id" --yes
  expect_exit 0 varve_at "2026-11-19 12:00:00" prune --keep-last 1 --yes
  expect_equal "$(days_of web01)" "2026-11-19"
}

test_who_reads_a_revision_keeps_it() {
  "$varve" init
  back_up_at web01 2026-11-1{7,8,9}" 01:30:00"
  local id
  id=$(id_of web01@first)
  # A client that is connected while the revision is pruned, and then forgotten.
  cat >client.py <<CLIENT
import subprocess
subprocess.run(["faketime", "2026-11-19 12:00:00", "$varve", "prune", "--keep-last", "1"], check=True)
subprocess.run(["$varve", "forget", "$id"], check=True)
print(h.pread(h.get_size(), 0).decode())
CLIENT
  # shellcheck disable=SC2016 # the program's variable
  expect_exit 0 "$varve" run web01@first -- \
    env PATH="/usr/bin:$PATH" nbdsh -u '$uri' -c 'exec(open("client.py").read())'
  expect_output '2026-11-17 .* keep +pinned by export of web01@'
  expect_output '\(process [0-9]+ on'
  expect_output 'is in use and stays readable for'
  expect_output '^web01 2026-11-17 01:30:00'
  expect_equal "$(days_of web01)" "2026-11-19"
}

test_nothing_is_deleted_where_standard_output_is_closed() {
  "$varve" init
  back_up_at web01 2026-11-1{7,8,9}" 01:30:00"
  local command status
  for command in "prune --keep-last 1 --yes" "forget web01@first" "distrust web01@first"; do
    status=0
    # shellcheck disable=SC2086 # words
    "$varve" $command >&- 2>messages || status=$?
    expect_equal "$status" 1 "exit status of $command"
    grep 'standard output is closed' messages
  done
  expect_equal "$(count_revisions)" 3
  "$varve" revisions --json | jq -e 'all(.trust != "distrusted")'
}

test_a_read_only_repository_says_so() {
  needs_root
  "$varve" init
  back_up_at web01 2026-11-1{7,8,9}" 01:30:00"
  # shellcheck disable=SC2016 # the inner shell's own variables
  local read_only=(unshare --mount bash -ec
    'mount --bind "$VARVE_REPOSITORY" "$VARVE_REPOSITORY"
     mount -o remount,bind,ro "$VARVE_REPOSITORY"
     exec "$@"' bash)
  expect_exit 1 "${read_only[@]}" faketime "2026-11-19 12:00:00" "$varve" prune --keep-last 1
  expect_output 'read-only'
  expect_exit 1 "${read_only[@]}" "$varve" forget web01@first
  expect_output 'read-only'
  expect_exit 0 "${read_only[@]}" faketime "2026-11-19 12:00:00" "$varve" prune --keep-last 1 \
    --dry-run
  expect_output 'would delete 2 of 3'
  # A document of what will be deleted is printed only where it can be deleted.
  local command
  for command in "prune --keep-last 1" "forget web01@first" "distrust web01@first"; do
    # shellcheck disable=SC2086 # words
    "${read_only[@]}" "$varve" $command --json >document 2>messages && fail "$command went through"
    jq -es 'length == 1 and .[0].error.code == "read-only"' document || fail "$command: $(cat document)"
  done
  expect_exit 1 "${read_only[@]}" "$varve" protect web01@first
  expect_exit 1 "${read_only[@]}" "$varve" policy set --keep-last 1
  expect_equal "$(count_revisions)" 3
}

test_many_prunes_and_backups_at_once() {
  "$varve" init
  local number
  for number in 1 2 3 4 5 6; do
    echo "state $number" >"disk-$number.raw"
    "$varve" backup "job$number" "disk-$number.raw" --verify none >/dev/null 2>&1
  done
  local pids=()
  for number in 1 2 3 4 5 6; do
    (
      for _ in 1 2 3 4; do
        "$varve" backup "job$number" "disk-$number.raw" --verify full
        "$varve" prune --keep-last 1 --yes
      done
    ) >"log-$number" 2>&1 &
    pids+=($!)
  done
  local pid
  for pid in "${pids[@]}"; do wait "$pid" || fail "$(cat log-*)"; done
  for number in 1 2 3 4 5 6; do
    expect_at_least "$(count_revisions "job$number")" 1 "revisions of job$number"
    expect_equal "$("$varve" restore "job$number" -)" "state $number"
  done
  expect_exit 0 "$varve" prune --keep-last 1 --yes
  expect_equal "$(count_revisions)" 6
}
