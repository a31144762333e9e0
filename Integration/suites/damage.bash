# Damaged repositories: every reader names what is damaged and none invents data.

# one_revision [INIT_OPTION...]: of a volume of random data, so that a byte of a pack is a byte of it.
one_revision() {
  "$varve" init "$@"
  random_bytes 100000000 1 >disk.raw
  "$varve" backup job vda=disk.raw
  pack=$(data_packs | sed -n 1p)
  pack_name=$(basename "$pack")
  culprit=$pack_name
  expect_at_least "$(stat -c %s "$pack")" 20000000 "size of the largest pack"
}

flip_byte() {
  python3 -c 'import sys
path, offset = sys.argv[1], int(sys.argv[2])
with open(path, "r+b") as file:
    file.seek(offset); byte = file.read(1)[0]
    file.seek(offset); file.write(bytes([byte ^ 0x40]))' "$1" "$2"
}

# expect_damage_report: what the last command printed names volume, offset and `culprit`.
expect_damage_report() {
  expect_output 'vda'
  expect_output '(at )?offset [0-9]+'
  expect_output "$culprit"
}

# expect_every_reader_to_refuse: verify, restore to a pipe and to a file, and NBD.
expect_every_reader_to_refuse() {
  expect_exit 1 "$varve" verify job@latest
  expect_damage_report
  expect_exit 1 "$varve" verify --all
  expect_damage_report
  expect_exit 1 restore_into_pipe job@latest restored.raw
  expect_damage_report
  cmp --bytes="$(stat -c %s restored.raw)" disk.raw restored.raw || fail "wrong bytes came out"
  rm -f restored.raw
  expect_exit 1 "$varve" restore job@latest restored.raw
  expect_damage_report
  start_server
  expect_exit 1 nbdcopy "$(nbd_uri job@latest)" null:
  expect_output 'input/output error'
  output=$(cat serve.log)
  expect_damage_report
}

test_flipped_byte() {
  one_revision
  flip_byte "$pack" 10000000
  expect_every_reader_to_refuse
}

test_flipped_byte_in_an_encrypted_repository() {
  export VARVE_PASSPHRASE="a passphrase"
  one_revision --encrypt passphrase
  flip_byte "$pack" 10000000
  expect_every_reader_to_refuse
}

test_truncated_pack() {
  one_revision
  truncate -s 15000000 "$pack"
  # Once the index is made anew it no longer knows what the missing part held.
  culprit="$pack_name|chunk [0-9a-f]{64} is missing from all packs"
  expect_every_reader_to_refuse
}

test_deleted_pack() {
  one_revision
  rm "$pack"
  # The index, a cache, says which pack it was until it has been compared with the packs there are.
  culprit="$pack_name|chunk [0-9a-f]{64} is missing from all packs"
  expect_every_reader_to_refuse
}

test_swapped_packs() {
  one_revision
  local other
  other=$(data_packs | sed -n 2p)
  mv "$pack" swap
  mv "$other" "$pack"
  mv swap "$other"
  # The index is made anew from what the packs say they hold, and everything is found.
  expect_exit 0 restore_into_pipe job@latest restored.raw
  expect_same_bytes disk.raw restored.raw
  # Their names are not those of their bytes.
  expect_exit 1 "$varve" verify --all
  expect_output "$pack_name|$(basename "$other")"
}

test_zeroed_part_of_a_pack() {
  one_revision
  dd if=/dev/zero of="$pack" bs=1M seek=8 count=2 conv=notrunc status=none
  expect_every_reader_to_refuse
}

test_damaged_footer_costs_no_content_and_is_reported() {
  one_revision
  local size
  size=$(stat -c %s "$pack")
  dd if=/dev/zero of="$pack" bs=1 seek=$((size - 40)) count=40 conv=notrunc status=none
  # Records are found by their headers.
  rm -r "$VARVE_REPOSITORY/index"
  "$varve" restore job@latest - | cmp - disk.raw
  expect_exit 1 "$varve" verify --all
  expect_output "damaged: pack $pack_name"
  expect_exit 0 "$varve" index rebuild
  expect_output "warning.*$pack_name"
}

test_skip_damaged_fills_the_gap_and_lists_it() {
  one_revision
  flip_byte "$pack" 10000000
  expect_exit 1 "$varve" restore job@latest restored.raw --skip-damaged
  expect_damage_report
  expect_equal "$(stat -c %s restored.raw)" "$(stat -c %s disk.raw)" "size"
  local wrong
  wrong=$(cmp -l disk.raw restored.raw | wc -l || true)
  expect_at_least "$wrong" 100000 "bytes that differ"
  expect_at_most "$wrong" 131072 "bytes that differ"
  expect_exit 1 restore_into_pipe job@latest piped.raw --skip-damaged
  expect_same_bytes restored.raw piped.raw
}

test_undamaged_revisions_of_other_jobs_stay_readable() {
  one_revision
  random_bytes 5000000 2 >other.raw
  "$varve" backup other other.raw
  rm "$pack"
  "$varve" restore other@latest - | cmp - other.raw
  expect_exit 0 "$varve" verify other@latest
  expect_exit 1 "$varve" verify --all
}

test_next_backup_stores_the_chunks_of_a_deleted_pack_again() {
  one_revision
  rm "$pack"
  expect_exit 0 "$varve" index rebuild
  "$varve" backup again disk.raw
  "$varve" restore again@latest - | cmp - disk.raw
}

test_damaged_revision_file_is_named_and_hides_no_other() {
  one_revision
  echo other >other.raw
  "$varve" backup other other.raw
  local id
  id=$(newest_revision job)
  flip_byte "$VARVE_REPOSITORY/revisions/$id" 20
  expect_exit 1 "$varve" restore "job@$id" -
  expect_exit 1 "$varve" verify --all
  expect_output "${id:0:8}"
  "$varve" restore other@latest - | cmp - other.raw
}

test_damaged_configuration_is_refused_by_name() {
  one_revision
  random_bytes 200 3 >"$VARVE_REPOSITORY/config"
  expect_exit 1 "$varve" revisions
  expect_output 'config'
}

test_damaged_map_pack_is_named() {
  one_revision
  pack=$(map_packs | sed -n 1p)
  pack_name=$(basename "$pack")
  flip_byte "$pack" 100
  expect_exit 1 "$varve" restore job@latest restored.raw
  expect_output "${pack_name:0:12}"
  expect_exit 1 "$varve" verify job@latest
  expect_output "${pack_name:0:12}"
  # The first node holds the ids of the first 256 chunks.
  local gap=$((256 * 131072))
  expect_exit 1 restore_into_pipe job@latest restored.raw --skip-damaged
  expect_output "vda.*offset 0.*$pack_name|$gap bytes"
  cmp --ignore-initial="$gap" disk.raw restored.raw
}

test_sampled_verification_says_what_it_was() {
  one_revision
  expect_exit 0 "$varve" verify --sample 5% job@latest
  expect_output 'verified [1-9][0-9]? ?% of the chunks'
}
