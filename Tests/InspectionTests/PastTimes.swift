import Glibc
import SystemPackage

/// Makes a file look as if nobody had written to it for a while.
func utimesInThePast(_ path: FilePath) -> Bool {
  var times = Array(repeating: timeval(tv_sec: 1_000_000_000, tv_usec: 0), count: 2)
  return utimes(path.string, &times) == 0
}
