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

# Which revision a name means is not known while any cannot be read.
test_a_revision_that_cannot_be_read_is_not_passed_over() {
  "$varve" init
  local number
  for number in 1 2; do
    echo "state $number" >disk.raw
    "$varve" backup job disk.raw
  done
  local newest older
  newest=$("$varve" show --json job@latest | jq -er .id)
  older=$("$varve" show --json job@first | jq -er .id)
  : >"$VARVE_REPOSITORY/revisions/$newest"
  expect_exit 1 "$varve" verify job
  expect_output "revision $newest cannot be read"
  expect_exit 1 "$varve" verify --job job
  expect_exit 0 "$varve" verify "$older"
  "$varve" restore job out.raw --json | jq -e --arg id "$newest" '.warnings[0] | contains($id)'
  expect_exit 1 "$varve" forget job@latest
  expect_output "'job@latest' may refer to revision $newest, which cannot be read"
  expect_exit 0 "$varve" forget "$older" --yes
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

# three_jobs_of_one_disk: six revisions in three jobs, all of the same content.
three_jobs_of_one_disk() {
  "$varve" init
  random_bytes 13107200 6 >disk.raw
  local job
  for job in a b c a b c; do "$varve" backup "$job" disk.raw --verify none; done
}

test_what_jobs_share_is_read_once() {
  three_jobs_of_one_disk
  "$varve" verify --all --json >all
  expect_equal "$(jq -c '[.checkedChunks, .totalChunks, .checkedBytes]' all)" '[100,100,13107200]'
  "$varve" verify --sample 50% --json >half
  expect_equal "$(jq -c '[.checkedChunks, .totalChunks]' half)" '[50,100]'
  expect_equal "$("$varve" revisions --json | jq -c '[.[].trust] | unique')" '["verified"]'
}

test_one_damaged_chunk_is_one_line_and_show_tells_of_it() {
  three_jobs_of_one_disk
  printf '\xaa\xaa\xaa' |
    dd of="$(data_packs | sed -n 1p)" bs=1 seek=5000 conv=notrunc status=none
  expect_exit 1 "$varve" verify a@0 a@1 b@0 b@1 c@0 c@1
  expect_equal "$(grep -c '^damaged: ' <<<"$output")" 1
  expect_output 'in 6 revisions'
  expect_output 'checked 99 chunks.*: 1 damaged'
  expect_exit 0 "$varve" show b@0
  expect_output 'failed: 1 damaged chunk, 99 of 100 read back'
}

test_after_repair_the_repository_verifies() {
  three_jobs_of_one_disk
  cp -a "$VARVE_REPOSITORY" copy
  printf '\xaa\xaa\xaa' |
    dd of="$(data_packs | sed -n 1p)" bs=1 seek=5000 conv=notrunc status=none
  expect_exit 1 "$varve" verify --all
  expect_output '1 damaged, 1 damaged pack'
  expect_exit 0 "$varve" repair --from copy
  expect_exit 0 "$varve" verify --all
  expect_output 'verified all 100 chunks.* in 6 revisions: no damage'
}

marks_are_locked() { ! flock --nonblock "$VARVE_REPOSITORY/marks/lock" true; }

test_whoever_holds_a_lock_is_named_and_not_waited_for_without_end() {
  "$varve" init
  random_bytes 100000 7 >disk.raw
  "$varve" backup job disk.raw --verify none
  flock --shared --no-fork "$VARVE_REPOSITORY/marks/lock" sleep 60 &
  defer kill "$!"
  wait_until 10 marks_are_locked
  VARVE_LOCK_TIMEOUT=4 expect_exit 1 "$varve" tag add job@latest kept
  expect_output 'waiting for .*/marks/lock, which is locked by .*process [0-9]+'
  expect_output 'locked for more than 4 s by .*process [0-9]+'
  # What reads goes on.
  expect_exit 0 "$varve" revisions
}
