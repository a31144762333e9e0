# Every command that a document shows is run, and what a document points to is there.

# run_commands_of DOCUMENT: in a machine of its own, see lib/documented-machine.
run_commands_of() {
  local document=$1 script
  script=$work/$(basename "$document").sh
  python3 "$integration/lib/document-commands.py" "$document" >"$script"
  grep -qv '^#\|^$' "$script" || return 0
  prepare_logical_volumes
  local root
  root=$(mktemp -d "$work/root.XXXXXX")
  "$integration/lib/documented-machine" "$root" "$script" || fail "a command of $document"
  rm -rf --one-file-system "$root"
  detach_loop "$WEB01"
  detach_loop "$WEB01_RESTORED"
  detach_loop "$DB"
}

prepare_logical_volumes() {
  make_file_system web01.raw 64M
  attach_loop "$work/web01.raw" && WEB01=$loop_device
  truncate -s 64M web01-restored.raw
  attach_loop "$work/web01-restored.raw" && WEB01_RESTORED=$loop_device
  make_mixed_volume db.raw 24 1
  attach_loop "$work/db.raw" && DB=$loop_device
  export WEB01 WEB01_RESTORED DB
}

documents() {
  ls "$project/README.md"
  find "$project/Sources" -name '*.md' -path '*.docc/*'
}

# every_text: the documents, and those that are only for people who work on this.
every_text() {
  documents
  find "$project/Integration" "$project/Fixtures" -name '*.md'
}

test_commands_of_the_readme() {
  needs_root
  needs_loop
  [[ -e $project/README.md ]] || fail "there is no README.md"
  run_commands_of "$project/README.md"
}

test_commands_of_the_manual() {
  needs_root
  needs_loop
  local document
  while read -r document; do
    [[ $document == */README.md ]] || run_commands_of "$document"
  done < <(documents)
}

test_readme_shows_the_two_commands_of_a_newcomer() {
  grep -q 'Integration/quickstart' "$project/README.md"
  grep -q 'Integration/test' "$project/README.md"
}

test_what_the_documents_name_is_there() {
  local broken
  mapfile -t texts < <(every_text)
  broken=$(python3 "$integration/lib/document-references.py" "$project" "${texts[@]}") || true
  expect_equal "$broken" "" "broken references"
}

test_the_documentation_is_a_site_without_warnings() {
  # With the settings of the unit tests, or everything is compiled again.
  VARVE_WARNINGS=error quietly "$project/Integration/documentation" site
  [[ -s site/index.html ]] || fail "there is no site"
  local page
  for page in varve chunkformat objectstorage/sessionprotocol administration/documents; do
    [[ -s site/data/documentation/$page.json ]] || fail "the page $page is missing"
  done
  expect_exit 2 "$project/Integration/documentation"
}

test_list_of_suites() {
  expect_exit 0 "$integration/test" --list
  expect_output '^documentation$'
  expect_exit 2 "$integration/test" --only no-such-suite
  expect_exit 2 "$integration/test" --nonsense
}
