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

test_golden_repositories_can_be_made_anew() {
  VARVE_PROGRAM=$varve "$project/Fixtures/regenerate" "$work/made-anew"
  check_both "$work/made-anew"
  expect_at_most "$(du --summarize --apparent-size --block-size=1 made-anew | cut -f1)" 307200
}
