import Glibc

/// Processors of this machine that are online, at least 1; the width of computing work.
package func processorCount() -> Int {
  max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}
