# What each policy of verification after a backup adds to it.

benchmark_verification() {
  uses varve || return 0
  step "Verification"
  make_series_disk
  measure_limits verification "$work/series.raw"
  local round policy
  for ((round = 0; round < rounds; round++)); do
    for policy in none 5% full; do verification_round "$policy"; done
  done
}

verification_round() {
  local repository=$work/verified-repository
  varve init "$repository" >/dev/null
  measure verification "backup-$1" varve \
    varve backup -r "$repository" --verify "$1" disk "$work/series.raw" >/dev/null
  [[ $1 != full ]] || measure verification verify-all varve varve verify -r "$repository" --all >/dev/null
  rm -rf "$repository"
}
