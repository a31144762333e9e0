# Backups that look like failed ones: sources that came empty, shrunken, or with other volumes.

# refused ARGUMENT...: the backup makes no revision, and says how to make one all the same.
refused() {
  local before
  before=$(count_revisions)
  expect_exit 1 "$varve" backup "$@"
  expect_output 'no revision was created: .*--accept-unusual'
  expect_equal "$(count_revisions)" "$before"
}

test_a_pipe_whose_writer_failed_makes_no_revision() {
  "$varve" init
  # A first backup, too: nobody backs up nothing.
  refused web01 - < <(false)
  random_bytes 8000000 1 >disk.raw
  "$varve" backup web01 - <disk.raw
  refused web01 - < <(false)
  expect_output "volume 'disk' is empty"
  refused web01 - < <(head -c 3999999 disk.raw)
  expect_output "volume 'disk' has 3.81 MiB; the previous revision has 7.63 MiB"
  expect_exit 0 "$varve" backup web01 - < <(head -c 4000000 disk.raw)
  expect_output "volume 'disk' shrank from 7.63 MiB .8000000 B. to 3.81 MiB .4000000 B."
}

test_what_a_refused_backup_stored_serves_the_next() {
  "$varve" init
  random_bytes 8000000 1 >disk.raw
  "$varve" backup web01 - <disk.raw
  random_bytes 3000000 2 >small.raw
  refused web01 - < <(cat small.raw)
  "$varve" backup web01 - --accept-unusual --json <small.raw >report.json
  jq -e '.storedBytes < 100000 and .revision.isUnusual and (.unusual | length) == 1' report.json
  "$varve" restore web01 - | cmp - small.raw
  # It is what the next one is compared with.
  expect_exit 0 "$varve" backup web01 small.raw
  expect_equal "$("$varve" show web01@latest --json | jq .isUnusual)" false
}

test_zeros_in_the_place_of_data_are_refused() {
  "$varve" init
  random_bytes 8000000 1 >disk.raw
  "$varve" backup web01 disk.raw
  truncate -s 8000000 zeros.raw
  refused web01 zeros.raw
  expect_output "volume 'disk' has 0 B of data; the previous revision has 7.63 MiB"
  head -c 3000000 disk.raw >less.raw
  truncate -s 8000000 less.raw
  refused web01 less.raw
  head -c 5000000 disk.raw >more.raw
  truncate -s 8000000 more.raw
  expect_exit 0 "$varve" backup web01 more.raw
  # A new machine's disk may well be all zeros.
  expect_exit 0 "$varve" backup new zeros.raw
  expect_exit 0 "$varve" backup new zeros.raw
}

test_volumes_that_were_added_or_left_out_are_refused() {
  "$varve" init
  random_bytes 2000000 1 >vda.raw
  random_bytes 2000000 2 >vdb.raw
  "$varve" backup db01 vda=vda.raw vdb=vdb.raw
  refused db01 vda=vda.raw
  expect_output "volume 'vdb' is missing"
  refused db01 vda=vda.raw vdb=vdb.raw vdc=vda.raw
  expect_output "volume 'vdc' is new to the job"
  refused db01 vda=vda.raw vdd=vdb.raw
  expect_output "volume 'vdd' is new to the job; volume 'vdb' is missing"
  expect_exit 0 "$varve" backup db01 vda=vda.raw vdc=vdb.raw --accept-unusual
  expect_exit 0 "$varve" backup db01 vda=vda.raw vdc=vdb.raw
}

test_what_was_accepted_never_pushes_out_a_real_revision() {
  "$varve" init
  random_bytes 3000000 1 >disk.raw
  "$varve" backup web01 disk.raw --tag real
  local night
  for night in 1 2 3; do
    "$varve" backup web01 - --accept-unusual --tag "night-$night" < <(false)
  done
  expect_exit 0 "$varve" revisions web01
  expect_output 'web01@0 .* verified,'
  expect_output ' unusual$'
  expect_exit 0 "$varve" prune --keep-last 1
  expect_output 'web01@3 .* keep +last 1 of 1, newest'
  "$varve" restore web01@tag:real - | cmp - disk.raw
  expect_exit 1 "$varve" forget web01@tag:real
  expect_output 'no usable revision of web01 would be left'
  # The program that reads the format without varve sees it, too.
  python3 "$project/Fixtures/read-repository.py" "$VARVE_REPOSITORY" list | grep -c ' unusual$'
}

test_an_emptied_overlay_is_committed_only_when_accepted() {
  "$varve" init
  random_bytes 3000000 1 >disk.raw
  "$varve" backup web01 disk.raw
  start_server web01@latest --overlay wiped --overlay-directory "$work/overlays"
  qemu-io -f raw -c "write -z 0 3000000" -c flush "$(nbd_uri "")"
  kill -TERM "$server_pid"
  wait "$server_pid"
  local options=(--overlay-directory "$work/overlays" --verify none)
  expect_exit 1 "$varve" overlay commit wiped "${options[@]}"
  expect_output "volume 'disk' has 0 B of data.*--accept-unusual"
  expect_exit 0 "$varve" overlay commit wiped "${options[@]}" --accept-unusual
  expect_equal "$("$varve" show web01 --json | jq .isUnusual)" true
}

test_growth_is_told() {
  "$varve" init
  random_bytes 2097152 1 >disk.raw
  "$varve" backup web01 disk.raw
  truncate -s 1G disk.raw
  expect_exit 0 "$varve" backup web01 disk.raw
  expect_output "web01: volume 'disk' grew from 2.00 MiB to 1.00 GiB"
  expect_exit 0 "$varve" diff web01@1 web01@0
  expect_output "volume 'disk' grew from 2.00 MiB to 1.00 GiB"
  expect_output 'no other difference'
  "$varve" diff web01@1 web01@0 --json |
    jq -e '.resized == [{volume: "disk", fromBytes: 2097152, toBytes: 1073741824}]'
  "$varve" diff web01@0 web01@0 --json | jq -e '.resized == []'
}

test_diff_wants_a_common_volume() {
  "$varve" init
  random_bytes 2000000 1 >disk.raw
  "$varve" backup one vda=disk.raw vdb=disk.raw
  "$varve" backup two vdc=disk.raw vdd=disk.raw
  expect_exit 1 "$varve" diff one two
  expect_output 'nothing to compare: one has the volumes vda, vdb, two has vdc, vdd'
  expect_exit 0 "$varve" diff one/vda two/vdc
  expect_output 'no difference'
  "$varve" backup two vdb=disk.raw vdc=disk.raw --accept-unusual
  "$varve" diff one two --json | jq -e '.volumesOnlyInFrom == ["vda"] and .volumesOnlyInTo == ["vdc"]'
}
