# Programs that are newer than the Debian release they are needed on, or in none of its packages: made
# here from Debian's source packages.

# debian_source NAME SUITE: unpacks the upstream source of a source package; sets `source_directory`.
debian_source() {
  local name=$1 suite=$2 apt=$work/apt-$1 mirror
  # Where this machine's own packages come from.
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Component: main' | head -n 1)
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/source"
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
    "$mirror $suite main" >"$apt/sources.list"
  local options=(-o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root -qq)
  (cd "$apt/source" && apt-get "${options[@]}" update &&
    apt-get "${options[@]}" source --download-only "$name/$suite") >"$apt/log" 2>&1 ||
    skip "cannot get Debian's source of $name: $(tail -n 1 "$apt/log")"
  source_directory=$apt/tree
  mkdir "$source_directory"
  tar --extract --file "$(echo "$apt"/source/*.orig.tar.*[xz])" --strip-components=1 \
    --directory "$source_directory"
}

# build_newer_libnbd: sets `newer_libnbd`, the directory with info/nbdinfo and copy/nbdcopy of 1.22.
build_newer_libnbd() {
  debian_source libnbd trixie
  newer_libnbd=$source_directory
  (cd "$newer_libnbd" && ./configure --disable-ocaml --disable-python --disable-golang --disable-rust \
    --disable-fuse --disable-ublk --disable-static &&
    make -j2 SUBDIRS="common/include common/utils lib info copy" all) >libnbd.log 2>&1 ||
    fail "$(tail -n 30 libnbd.log)"
}

# build_nbd_tester: sets `nbd_tester`, a directory with the reference project's nbd-tester-client and
# its traces.
build_nbd_tester() {
  debian_source nbd trixie
  nbd_tester=$source_directory/tests/run
  # Without a program for manual pages its configure stops, whether they are wanted or not.
  (cd "$source_directory" && ./configure DB2M=true --without-libnl &&
    make -C tests/run nbd-tester-client) >tester.log 2>&1 || fail "$(tail -n 30 tester.log)"
}
