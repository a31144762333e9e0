# Output for people: headings, what is happening, and errors that say what to do.

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
else
  bold='' red='' green='' yellow='' plain=''
fi

# step TEXT: a new part of the work begins.
step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

# say TEXT: one paragraph for the reader, folded to the width of a terminal.
say() { fold -s -w 78 <<<"$*" | sed 's/^/  /; s/ *$//'; }

# show COMMAND...: prints the command the way a person would type it, then runs it.
show() {
  printf '  %s$ %s%s\n' "$bold" "$(printf '%s ' "${@@Q}" | unquote_plain_words)" "$plain"
  "$@" 2>&1 | sed 's/^/  /'
}

# '-r' and '/srv/varve' need no quotes; 'two words' does.
unquote_plain_words() { sed -E "s/'([A-Za-z0-9_.,:=@%+/-]+)'/\1/g; s/ \$//"; }

warn() { printf '%s%s%s\n' "$yellow" "$*" "$plain" >&2; }

# die TEXT: the work cannot go on; says why.
die() {
  printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
  exit 1
}

# usage_error TEXT: the caller got the command line wrong.
usage_error() {
  printf '%s\n' "$*" "Try '$0 --help'." >&2
  exit 2
}

# print_header_comment FILE: the comment at the top of a script is its help.
print_header_comment() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$1"; }

# human BYTES: 123456789 -> 118 MiB, as varve writes it.
human() { numfmt --to=iec-i --suffix=B "$1" | sed -E 's/[KMGT]?i?B$/ &/'; }
