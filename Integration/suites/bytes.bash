# Names that are no UTF-8: paths are bytes, and everything else must be text.

# The same letters in Latin-1, which differ in one byte that is no UTF-8.
latin_a=$'B\xe4r' latin_o=$'B\xf6r'

test_names_that_are_no_text_are_refused() {
  "$varve" init
  random_bytes 100000 1 >disk.raw
  "$varve" backup web01 disk.raw
  local word
  for word in "backup $latin_a disk.raw" "backup web01 $latin_a=disk.raw" \
    "backup web01 disk.raw --tag $latin_a" "backup web01 disk.raw --attach $latin_a" \
    "tag add web01 $latin_a" "restore $latin_a -" "restore web01/$latin_a -" \
    "revisions $latin_a" "prune --keep-tag $latin_a" "policy set $latin_a --keep-last 1" \
    "forget --job $latin_a" "show web01@tag:$latin_a" "overlay remove $latin_a" \
    "serve --unix $latin_a" "serve --tls-psk $latin_a" "serve --overlay $latin_a"; do
    # shellcheck disable=SC2086 # words are meant to be split
    expect_exit 2 timeout 20 "$varve" $word
    expect_output 'B.xe4r'
  done
  expect_equal "$(count_revisions)" 1
  # Two that are text, and alike to the eye in no program.
  "$varve" backup Bär disk.raw
  "$varve" backup Bör disk.raw
  expect_equal "$(count_revisions)" 3
}

test_paths_are_bytes() {
  export VARVE_REPOSITORY=$work/$latin_a.repository
  random_bytes 300000 1 >"$latin_a"
  random_bytes 300000 2 >"$latin_o"
  # What a program that repairs names would open in the place of both.
  random_bytes 300000 3 >$'B\xef\xbf\xbdr'
  "$varve" init
  [[ -d $work/$latin_a.repository/packs ]] || fail "the repository is elsewhere"
  "$varve" backup web01 "$latin_a" --attach "note=$latin_o"
  "$varve" backup db01 "vda=$latin_o"
  "$varve" restore web01 - | cmp - "$latin_a"
  "$varve" show web01 --attachment note | cmp - "$latin_o"
  expect_equal "$("$varve" show web01 --json | jq -r '.volumes[0].source')" 'B\xe4r'
  "$varve" restore db01 "out-$latin_o"
  cmp "out-$latin_o" "$latin_o"
  expect_exit 1 "$varve" restore db01 "out-$latin_o"
  expect_output 'out-B.xf6r'
  cp -r "$VARVE_REPOSITORY" "$latin_o.repository"
  expect_exit 0 "$varve" repair --from "$latin_o.repository"
  expect_exit 0 "$varve" verify --all -r "$latin_o.repository"
  expect_exit 0 "$varve" revisions --repository="$latin_o.repository"
  # Words of another command, and its environment, reach it as they are.
  # shellcheck disable=SC2016 # the other shell expands them
  ODD=$latin_o "$varve" run web01 -- sh -c 'printf %s "$1$ODD" >words' sh "$latin_a"
  printf %s "$latin_a$latin_o" | cmp - words
}

test_passphrases_are_bytes() {
  printf %s "$latin_a" >a
  printf %s "$latin_o" >o
  "$varve" init --encrypt passphrase --passphrase-file a
  VARVE_PASSPHRASE=$latin_a expect_exit 0 "$varve" revisions
  VARVE_PASSPHRASE=$latin_o expect_exit 1 "$varve" revisions
  expect_exit 1 "$varve" revisions --passphrase-file o
  expect_exit 0 "$varve" revisions --passphrase-command "printf '$latin_a'"
}

test_foreign_files_are_not_mistaken_for_one_another() {
  "$varve" init
  random_bytes 300000 1 >disk.raw
  "$varve" backup web01 disk.raw
  echo 1 >"$VARVE_REPOSITORY/packs/$latin_a"
  echo 2 >"$VARVE_REPOSITORY/packs/$latin_o"
  echo 3 >"$VARVE_REPOSITORY/revisions/$latin_a"
  expect_exit 0 "$varve" check-repository
  expect_output 'revisions/B.*r: is not a known file'
  "$varve" check-repository --fix
  "$varve" gc
  expect_equal "$(cat "$VARVE_REPOSITORY/packs/$latin_a" "$VARVE_REPOSITORY/packs/$latin_o")" $'1\n2'
  expect_exit 0 "$varve" verify --all
}

test_bytes_of_an_argument_are_escaped_in_json_too() {
  "$varve" init
  local message
  message=$("$varve" tag remove job "$(printf '\377')" --json 2>/dev/null | jq -r .error.message) || true
  expect_equal "$message" "The value '\\xff' is invalid for '<tags>': '\\xff' is not UTF-8."
}
