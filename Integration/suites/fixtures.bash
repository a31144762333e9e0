# The golden repositories in Fixtures, read by today's program.

# check_golden REPOSITORY SUMS: on a copy, since fixtures are not written to.
check_golden() {
  local hash name actual
  rm -rf copy
  cp -a "$1" copy
  export VARVE_REPOSITORY=$work/copy
  while read -r hash name; do
    read -r actual _ < <("$varve" restore "$name" - | sha256sum)
    expect_equal "$actual" "$hash" "$name"
  done <"$2"
  expect_exit 0 "$varve" verify --all
}

check_both() {
  check_golden "$1/plain" "$1/SHA256SUMS"
  VARVE_PASSPHRASE=$(<"$1/passphrase")
  export VARVE_PASSPHRASE
  check_golden "$1/encrypted" "$1/SHA256SUMS"
}

test_golden_repositories_read_back_bit_for_bit() {
  check_both "$project/Fixtures/golden"
}

# The reader in Python knows the format from its description alone.
test_golden_repositories_are_read_without_this_program() {
  local golden=$project/Fixtures/golden
  /usr/bin/python3 "$project/Fixtures/read-repository.py" "$golden/plain" sums |
    diff - "$golden/SHA256SUMS"
  /usr/bin/python3 "$project/Fixtures/read-repository.py" "$golden/encrypted" \
    --passphrase-file "$golden/passphrase" sums | diff - "$golden/SHA256SUMS"
}

test_golden_repositories_can_be_made_anew() {
  VARVE_PROGRAM=$varve "$project/Fixtures/regenerate" "$work/made-anew"
  check_both "$work/made-anew"
  local bytes
  bytes=$(find made-anew -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
  expect_at_most "$bytes" 307200 "bytes in golden repositories"
}
