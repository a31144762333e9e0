# Installs programs of the Python Package Index, where Debian has none or an old one. Each gets a virtual
# environment below the checkout's build directory; nothing is installed for the system.

# install_python_programs NAME...: the packages that Integration/packages/python/NAME pins, all at once;
# puts the programs on PATH. A function patch_NAME is given the environment, if there is one.
install_python_programs() {
  local name running=() failed=
  for name in "$@"; do
    install_python_program "$name" &
    running+=($!)
  done
  # All of them are waited for, whatever becomes of the first.
  for name in "${running[@]}"; do wait "$name" || failed=yes; done
  [[ -z $failed ]] || exit 1
  PATH=$project/.build/python/bin:$PATH
}

# install_python_program NAME: unless it is there.
install_python_program() (
  list=$integration/packages/python/$1 directory=$project/.build/python/$1
  mkdir -p "$project/.build/python/bin"
  exec {lock}>"$directory.lock"
  flock "$lock"
  # An environment holds its own path: a checkout that was moved needs a new one.
  made_from=$(printf '%s\n' "$directory" && cat "$list")
  [[ $(cat "$directory/made-from" 2>/dev/null) != "$made_from" ]] || exit 0
  say "Installing $1 from the Python Package Index; that takes a minute the first time."
  rm -rf "$directory"
  # Debian's Python, whose headers are installed; another one may come first.
  quietly /usr/bin/python3 -m venv "$directory"
  # What the packages say that they need is in the list; for benji it would not build.
  PIP_CACHE_DIR=$project/.build/cache/pip quietly "$directory/bin/pip" install --no-deps \
    --disable-pip-version-check --requirement "$list" ||
    die "cannot install $1 with pip; the option --without leaves out a tool"
  [[ $(type -t "patch_$1") != function ]] || "patch_$1" "$directory"
  ln -sfn "$directory/bin/$1" "$project/.build/python/bin/$1"
  printf '%s\n' "$made_from" >"$directory/made-from"
)

# patch_benji ENVIRONMENT: asyncio no longer takes the argument `loop`, since Python 3.10.
patch_benji() {
  local file before='asyncio.start_server(self.handler, addr, port, loop=loop)'
  file=$(echo "$1"/lib/python3*/site-packages/benji/nbdserver.py)
  [[ $(grep -cF "$before" "$file") == 1 ]] || die "this version of benji needs another patch"
  sed -i "s/$before/${before/, loop=loop/}/" "$file"
}
