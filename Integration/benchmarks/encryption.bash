# What encryption costs: the same disk into a plain and an encrypted repository, taking turns.

benchmark_encryption() {
  uses varve || return 0
  step "Encryption"
  make_series_disk
  local round kind
  for ((round = 0; round < rounds; round++)); do
    for kind in plain encrypted; do encryption_round "$kind"; done
  done
}

encryption_round() {
  local repository=$work/$1-repository options=()
  unset VARVE_PASSPHRASE
  if [[ $1 == encrypted ]]; then
    options=(--encrypt passphrase)
    export VARVE_PASSPHRASE=benchmark
  fi
  varve init "$repository" "${options[@]}" >/dev/null
  measure encryption "backup-$1" varve \
    varve backup -r "$repository" --verify none disk "$work/series.raw" >/dev/null
  measure encryption "restore-$1" varve varve restore -r "$repository" disk@latest - | cat >/dev/null
  unset VARVE_PASSPHRASE
  rm -rf "$repository"
}
