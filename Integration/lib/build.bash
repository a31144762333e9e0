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
    quietly swift build "${options[@]}"
    varve=$(swift build "${options[@]}" --show-bin-path)/varve
  fi
  export varve PATH="${varve%/*}:$PATH"
}
