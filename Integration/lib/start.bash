# Read by every script here: strict mode, where things are, and the shared pieces.
set -euo pipefail
shopt -s inherit_errexit

integration=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
project=${integration%/*}
export integration project

# Debian keeps sfdisk, losetup and mkfs where a plain user's PATH does not look.
export PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C.UTF-8

for piece in output cleanup packages build wait loop disk serve certificates; do
  source "$integration/lib/$piece.bash"
done
