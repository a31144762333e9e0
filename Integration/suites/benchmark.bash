# The benchmark itself, small: that it runs with every tool and writes its page and picture.

test_quick_benchmark_writes_its_page_and_picture() {
  mkdir tmp
  VARVE_PROGRAM=$varve TMPDIR=$work/tmp "$integration/benchmark" --quick --output "$work/report"
  local page=$work/report/Benchmark.md heading
  for heading in 'What varve promises' 'What the machine can do' "A disk's life" 'nights of random' \
    'Over NBD' 'A volume of 20 TiB' 'Listing revisions' 'encryption costs' 'verification adds' \
    'Freeing what half' 'small revisions' 'How it grows'; do
    grep -q "^## .*$heading" "$page" || fail "no part '$heading' in $(cat "$page")"
  done
  # Every promise could be computed; whether it is kept is for the real run to say.
  expect_equal "$(grep -c '| \(yes\|\*\*no\*\*\) |' "$page")" 25 "promises"
  python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' \
    "$work/report/Resources/benchmark.svg"
  expect_equal "$(find tmp -mindepth 1)" "" "what is left in the temporary directory"
}

test_benchmark_refuses_nonsense() {
  expect_exit 2 "$integration/benchmark" --only nonsense
  expect_exit 2 "$integration/benchmark" --nonsense
  expect_exit 2 "$integration/benchmark" --without nonsense
}

test_another_version_of_benji_is_not_patched_blindly() {
  local file=benji/lib/python3.11/site-packages/benji/nbdserver.py
  mkdir -p "${file%/*}"
  echo 'coro = asyncio.start_server(self.handler, addr, port)' >"$file"
  expect_exit 1 patch_in_environment benji
  echo 'coro = asyncio.start_server(self.handler, addr, port, loop=loop)' >"$file"
  expect_exit 0 patch_in_environment benji
  expect_equal "$(<"$file")" 'coro = asyncio.start_server(self.handler, addr, port)' "patched line"
}

# In a shell of its own, which it may end.
# shellcheck source=Integration/lib/python.bash
patch_in_environment() { (source "$integration/lib/python.bash" && patch_benji "$1"); }

test_table_of_chunk_sizes() {
  mkdir tmp
  VARVE_PROGRAM=$varve TMPDIR=$work/tmp "$integration/benchmarks/chunk-sizes" --quick >table
  expect_equal "$(grep -cE '^\| [0-9]+[KM]iB( \| [0-9.]+ MiB){4} \|$' table)" 6 "rows"
  expect_equal "$(find tmp -mindepth 1)" "" "what is left in the temporary directory"
  expect_exit 2 "$integration/benchmarks/chunk-sizes" --nonsense
}

test_table_of_compression_levels() {
  mkdir tmp
  VARVE_PROGRAM=$varve TMPDIR=$work/tmp "$integration/benchmarks/compression-levels" --quick >table
  expect_equal "$(grep -cE '^\| .[a-z:0-9-]+. \| [0-9.]+ %( \| [0-9]+ MiB/s){2}( \| [0-9]+ MiB/s| \| –){2} \|$' table)" \
    10 "rows"
  expect_equal "$(find tmp -mindepth 1)" "" "what is left in the temporary directory"
  expect_exit 2 "$integration/benchmarks/compression-levels" --nonsense
}
