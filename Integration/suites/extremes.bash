# Values that nobody would write, in files that are sound otherwise, and what comes of printing them.

# make_repository_of_every_kind: a job of four volumes with an attachment, tags, marks and a policy; and a
# file each of the kinds that mishaps leave.
make_repository_of_every_kind() {
  "$varve" init
  make_mixed_volume disk.raw 3 1
  "$varve" backup other disk.raw
  "$varve" backup four vda=disk.raw vdb=disk.raw vdc=disk.raw vdd=disk.raw
  write_random disk.raw 200000 5000 2
  echo '<domain/>' >domain.xml
  "$varve" backup four vda=disk.raw vdb=disk.raw vdc=disk.raw vdd=disk.raw --tag nightly \
    --attach domain.xml
  "$varve" protect four@0
  "$varve" policy set four --keep-daily 7 --keep-tag nightly
  "$varve" verify --all
  local packs=("$VARVE_REPOSITORY"/packs/data/*/*)
  random_bytes 16 3 | dd of="${packs[0]}" bs=1 seek=3000 conv=notrunc status=none
  expect_exit 1 "$varve" verify --all
}

# change_files KIND...: none of the commands that only read may be stopped by them.
change_files() {
  make_repository_of_every_kind
  local rounds=3
  if long_tests; then rounds=100; fi
  /usr/bin/python3 "$integration/lib/extreme-values.py" "$varve" "$VARVE_REPOSITORY" 1 "$rounds" "$@"
}

test_numbers_and_texts_at_their_ends_in_revisions() { change_files revisions; }

test_numbers_and_texts_at_their_ends_in_marks_and_policies() { change_files marks policy; }

test_numbers_and_texts_at_their_ends_in_notes_of_sessions_and_damage() {
  change_files sessions condemned quarantine
}
