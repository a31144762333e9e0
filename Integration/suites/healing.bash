# Damage that was found stays known until it is mended, and is mended by whatever has the content.

# one_damaged_chunk [INIT_OPTION...]: a revision of which one chunk is damaged, and that was verified.
one_damaged_chunk() {
  "$varve" init "$@"
  random_bytes 20000000 1 >disk.raw
  "$varve" backup job disk.raw
  cp -a "$VARVE_REPOSITORY" copy
  rm -rf copy/index
  damage "$(data_packs | sed -n 1p)" 5000000
  expect_exit 1 "$varve" verify --all
}

# damage FILE OFFSET: a few bytes.
damage() { printf 'damaged' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

quarantined() { "$varve" quarantine --json | jq length; }

trust_of() { "$varve" show --json "$1" | jq -er .trust; }

test_verification_notes_volume_offset_pack_expected_and_found() {
  one_damaged_chunk
  expect_output 'added to the quarantine'
  expect_equal "$(quarantined)" 1 "copies in the quarantine"
  "$varve" quarantine --json | jq -e '.[0] | .volume == "disk" and .volumeOffsetBytes >= 0
    and (.pack | length) == 64 and (.expected | test("chunk")) and (.found | test("checksum mismatch"))
    and .isHealed == false and .job == "job" and .offsetBytes > 0'
  expect_exit 0 "$varve" quarantine
  expect_output 'no .*job@'
}

test_backup_of_any_job_with_the_same_content_heals() {
  one_damaged_chunk
  expect_exit 0 "$varve" backup other disk.raw
  expect_exit 0 "$varve" verify job@latest other@latest --json
  # The bad copy is there still, and no longer wanted.
  "$varve" restore job@latest - | cmp - disk.raw
  expect_equal "$(trust_of job@latest)" verified
  "$varve" quarantine --json | jq -e '.[0].isHealed'
}

test_damaged_map_is_healed_by_the_next_backup() {
  "$varve" init
  random_bytes 20000000 1 >disk.raw
  "$varve" backup job disk.raw
  damage "$(map_packs | sed -n 1p)" 200
  expect_exit 1 "$varve" verify --all
  "$varve" quarantine --json | jq -e '.[0].type == "mapNode"'
  expect_exit 0 "$varve" backup job disk.raw
  expect_exit 0 "$varve" verify job@first
}

test_repair_brings_chunks_back_from_a_copy() {
  export VARVE_PASSPHRASE="a passphrase"
  one_damaged_chunk --encrypt passphrase
  expect_exit 0 "$varve" repair --from copy --dry-run
  expect_output 'would copy 1 record'
  expect_equal "$(trust_of job@latest)" distrusted
  expect_exit 0 "$varve" repair --from copy --json
  expect_equal "$(trust_of job@latest)" verified
  "$varve" restore job@latest - | cmp - disk.raw
  expect_exit 0 "$varve" repair --from copy
  expect_output 'nothing to repair'
}

test_repair_brings_lost_packs_back() {
  one_damaged_chunk
  pack_files | xargs -d '\n' rm
  expect_exit 0 "$varve" repair --from copy
  expect_exit 0 "$varve" verify --all
  "$varve" restore job@latest - | cmp - disk.raw
}

test_repair_refuses_what_cannot_help() {
  one_damaged_chunk
  expect_exit 2 "$varve" repair
  expect_exit 1 "$varve" repair --from "$VARVE_REPOSITORY"
  expect_output 'is the repository to be repaired'
  expect_exit 1 "$varve" repair --from nowhere
  expect_output 'is not a varve repository'
  head -c 64 /dev/urandom >keyfile
  "$varve" init -r sealed --encrypt keyfile --key-file keyfile
  expect_exit 1 "$varve" repair --from sealed
  expect_output 'cannot use content from'
  damage "$(find copy/packs/data -type f)" 5000000
  expect_exit 1 "$varve" repair --from copy
  expect_output 'in either repository'
}

test_check_repository_names_what_is_lost_and_saves_the_rest() {
  one_damaged_chunk
  expect_exit 1 "$varve" check-repository
  expect_output 'lost: job@.* disk, offset [0-9]+, 131072 bytes'
  expect_exit 1 "$varve" check-repository --fix
  expect_equal "$(data_packs | wc -l)" 2 "data packs"
  "$varve" backup other disk.raw
  expect_exit 0 "$varve" check-repository --fix --json
  expect_equal "$(quarantined)" 0 "copies in the quarantine"
  expect_equal "$(find "$VARVE_REPOSITORY/quarantine/packs" -type f | wc -l)" 1 "packs put aside"
  expect_exit 0 "$varve" check-repository
  expect_output 'no damage'
  expect_exit 0 "$varve" verify --all
}

test_good_pack_that_is_put_back_ends_the_quarantine() {
  one_damaged_chunk
  cp -a copy/packs "$VARVE_REPOSITORY/"
  expect_exit 0 "$varve" verify --all
  expect_output 'removed from the quarantine'
  expect_equal "$(quarantined)" 0 "copies in the quarantine"
  expect_equal "$(trust_of job@latest)" verified
}

test_verify_all_compares_packs_with_their_names() {
  "$varve" init
  random_bytes 3000000 1 >disk.raw
  "$varve" backup job disk.raw --verify none
  local pack
  pack=$(data_packs | sed -n 1p)
  # A byte behind the end hurts no record.
  printf x >>"$pack"
  expect_exit 1 "$varve" verify --all
  expect_output "$(basename "$pack")"
  expect_exit 1 "$varve" check-repository
  expect_exit 0 "$varve" check-repository --fix
  expect_exit 0 "$varve" verify --all
  "$varve" restore job@latest - | cmp - disk.raw
}

test_distrust_one_many_and_by_time() {
  "$varve" init
  random_bytes 2000000 1 >disk.raw
  local round
  for round in 1 2 3; do "$varve" backup job disk.raw; done
  "$varve" backup other disk.raw
  expect_exit 0 "$varve" distrust job@1 job@2
  expect_output '2 revisions distrusted'
  expect_equal "$("$varve" revisions --json | jq '[.[] | select(.trust == "distrusted")] | length')" 2
  expect_exit 0 "$varve" verify --all
  expect_equal "$("$varve" revisions --json | jq '[.[] | select(.trust == "distrusted")] | length')" 0
  expect_exit 1 "$varve" distrust --job job --from "$(date +%F)"
  expect_output 'nothing was changed: add --yes to distrust 3 revisions'
  expect_exit 0 "$varve" distrust --job job --from "$(date +%F)" --dry-run
  expect_output 'would distrust 3 revisions'
  "$varve" distrust --job job --from "$(date +%F)" --yes --json | jq -e '.revisions | length == 3'
  expect_equal "$(trust_of other@latest)" verified
  "$varve" distrust --until "$(date +%F)" --yes --json | jq -e '.isChange and (.revisions | length) == 4'
  # Each is again what it was before; none but those is touched.
  "$varve" verify other@latest
  expect_exit 0 "$varve" distrust --job job --until "$(date +%F)" --undo --yes
  expect_output 'undid the distrust of 3 revisions'
  expect_equal "$("$varve" revisions --json | jq -c '[.[].trust]')" \
    '["verified","verified","verified","verified"]'
  expect_exit 0 "$varve" distrust job@1 --undo
  expect_output 'undid the distrust of 0 revisions'
  # Damage that was found is not taken back by a word.
  cp -r "$VARVE_REPOSITORY" spoiled
  damage "$(VARVE_REPOSITORY=spoiled data_packs | sed -n 1p)" 500000
  expect_exit 1 "$varve" verify job@0 -r spoiled
  expect_exit 0 "$varve" distrust job@0 -r spoiled
  expect_exit 1 "$varve" distrust job@0 --undo -r spoiled
  expect_output 'still distrusted: .* a verification may have found damage in it'
  expect_exit 0 "$varve" distrust --until 2001-01-01
  expect_output 'nothing was changed'
  expect_exit 2 "$varve" distrust
  expect_exit 2 "$varve" distrust --job job
  expect_exit 2 "$varve" distrust job@latest --from 2026-01-01
  expect_exit 1 "$varve" distrust nobody@latest
}

test_backup_after_distrust_proves_all_that_it_relies_on() {
  "$varve" init
  random_bytes 20000000 1 >disk.raw
  "$varve" backup job disk.raw
  "$varve" backup job disk.raw
  damage "$(data_packs | sed -n 1p)" 5000000
  # Nobody has looked; but somebody knows that the memory was bad, on a machine whose clock is behind.
  faketime "2020-01-01 00:00:00" "$varve" distrust job@first
  expect_exit 0 "$varve" backup job disk.raw --verify full
  expect_equal "$(quarantined)" 1 "copies in the quarantine"
  expect_exit 0 "$varve" verify job@0 job@1 job@2
  # Only the file is not what its name says.
  expect_exit 1 "$varve" verify --all
  expect_output 'in 3 revisions: 1 damaged pack'
  expect_exit 0 "$varve" check-repository --fix
  expect_exit 0 "$varve" verify --all
}

test_interrupted_check_loses_nothing() {
  one_damaged_chunk
  local delay pid status
  for delay in 0.01 0.03 0.06 0.1; do
    interruptible "$varve" check-repository --fix >/dev/null 2>&1 &
    pid=$!
    sleep "$delay"
    kill -INT "$pid" 2>/dev/null || true
    status=0
    wait "$pid" || status=$?
    # 130: before it had come so far as to have anything to stop.
    ((status == 1 || status == 130)) || fail "exit status $status"
    expect_exit 1 "$varve" restore job@latest out.raw --force
  done
  expect_exit 1 "$varve" check-repository --fix
  expect_output 'lost: job@.* disk, offset [0-9]+, 131072 bytes'
  "$varve" backup other disk.raw
  expect_exit 0 "$varve" check-repository --fix
  "$varve" restore job@latest - | cmp - disk.raw
}
