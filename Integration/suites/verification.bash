# Verification is reported for what it was, and a revision carries what is known about it.

# back_up_with POLICY: sets `output` to what the backup said, `trust` to what the revision carries.
back_up_with() {
  expect_exit 0 "$varve" backup job disk.raw --verify "$1"
  trust=$("$varve" show --json job@latest | jq -er .trust)
}

test_backup_says_how_much_it_read_back() {
  "$varve" init
  random_bytes 60000000 1 >disk.raw
  back_up_with none
  expect_equal "$trust" trusted
  back_up_with full
  expect_output 'verified all'
  expect_equal "$trust" verified
  back_up_with 5%
  expect_output 'verified [1-9][0-9]? ?% of the chunks \([0-9]+ of 458\)'
  expect_equal "$trust" trusted
  # A small volume is read back in full where nothing is said.
  back_up_with auto
  expect_output 'verified all'
  expect_equal "$trust" verified
}

test_verify_promotes_and_a_sample_does_not() {
  "$varve" init
  random_bytes 60000000 2 >disk.raw
  back_up_with none
  expect_exit 0 "$varve" verify job@latest --sample 10%
  expect_output 'verified [1-9][0-9]? ?% of the chunks \([0-9]+ of 458\)'
  expect_equal "$("$varve" show --json job@latest | jq -er .trust)" trusted
  expect_exit 0 "$varve" verify job@latest
  expect_output 'verified all'
  expect_equal "$("$varve" show --json job@latest | jq -er .trust)" verified
}

# damaged_revision: a revision of which a megabyte of a pack is overwritten, and which was verified.
damaged_revision() {
  "$varve" init
  random_bytes 60000000 3 >disk.raw
  back_up_with none
  dd if=/dev/zero of="$(data_packs | sed -n 1p)" bs=1M seek=5 count=1 conv=notrunc status=none
  expect_exit 1 "$varve" verify job@latest
}

test_damage_makes_a_revision_distrusted() {
  damaged_revision
  expect_equal "$("$varve" show --json job@latest | jq -er .trust)" distrusted
}

test_backup_after_a_distrusted_revision_mends_it() {
  damaged_revision
  back_up_with full
  expect_equal "$trust" verified
  "$varve" restore job@latest - | cmp - disk.raw
}

test_interrupted_verification_is_no_verification() {
  "$varve" init
  random_bytes 400000000 4 >disk.raw
  back_up_with none
  local status=0
  timeout --preserve-status --signal=INT 0.15 "$varve" verify job@latest || status=$?
  ((status != 0)) || skip "it verified 400 MB in 0.15 s"
  expect_equal "$("$varve" show --json job@latest | jq -er .trust)" trusted
}

test_deleted_pack_is_found_by_every_verification() {
  "$varve" init
  random_bytes 60000000 5 >disk.raw
  back_up_with none
  rm "$(data_packs | sed -n 1p)"
  expect_exit 1 "$varve" verify --all
  expect_exit 1 "$varve" verify --sample 100%
}
