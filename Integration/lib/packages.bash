# Installs the Debian packages listed in Integration/packages, where they are missing.

# install_packages PURPOSE...: PURPOSE names a file in Integration/packages.
install_packages() {
  local missing=()
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]} > 0)) || return 0
  say "Installing Debian packages: ${missing[*]}"
  command -v apt-get >/dev/null ||
    die "this is not Debian (no apt-get); install the equivalents of: ${missing[*]}"
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      die "not root and no sudo; as root run: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  quietly "${as_root[@]}" apt-get update
  # Recommended packages would bring services that nothing here uses.
  quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends "${missing[@]}"
}

# missing_packages PURPOSE...: those of its packages that are not installed, one a line.
missing_packages() {
  local name
  for name in $(listed_packages "$@"); do
    [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$name" 2>/dev/null) == ii* ]] || echo "$name"
  done
}

listed_packages() { (cd "$integration/packages" && sed 's/#.*//; /^ *$/d' "$@") | sort -u; }

# quietly COMMAND...: its output is shown only when it fails.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  ((status == 0)) || cat "$log" >&2
  rm -f "$log"
  return "$status"
}
