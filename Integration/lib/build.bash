# Builds the program as it is released.

# build_varve: sets and exports `varve`, and puts its directory on PATH. With VARVE_PROGRAM set,
# that program is used instead and nothing is built; its name has to be varve, too.
build_varve() {
  if [[ -n ${VARVE_PROGRAM:-} ]]; then
    varve=$(readlink -f "$VARVE_PROGRAM")
    [[ -x $varve && ${varve##*/} == varve ]] ||
      die "VARVE_PROGRAM=$VARVE_PROGRAM is not a program called varve"
  else
    say "Building the program; that takes a few minutes the first time."
    command -v swift >/dev/null || die "no swift on PATH; see https://www.swift.org/install/linux"
    local options=(-c release --static-swift-stdlib --product varve --package-path "$project")
    quietly swift_package build "${options[@]}"
    varve=$(swift_package build "${options[@]}" --show-bin-path)/varve
  fi
  export varve PATH="${varve%/*}:$PATH"
}

# swift_package COMMAND OPTION...: `swift build` or `swift package`, which leaves nothing outside the
# checkout. Settings in ~/.swiftpm, such as mirrors, count where there are any.
swift_package() {
  local kept=$project/.build temporary options=() status=0 settings=~/.swiftpm
  # Not in the checkout: the compiler wants a path in ASCII.
  temporary=$(mktemp -d)
  mkdir -p "$kept"
  [[ -e $settings ]] ||
    options=(--config-path "$kept/configuration" --security-path "$kept/security")
  # The package manager's own lock lies in the temporary directory.
  TMPDIR=$temporary XDG_CACHE_HOME=$kept/cache XDG_DATA_HOME=$kept/data flock "$kept/in-use" \
    swift "$1" --cache-path "$kept/cache/swiftpm" ${options[@]+"${options[@]}"} "${@:2}" ||
    status=$?
  rm -rf "$temporary"
  # It makes empty directories there all the same.
  ((${#options[@]} == 0)) || find "$settings" -depth -type d -empty -delete
  return "$status"
}
