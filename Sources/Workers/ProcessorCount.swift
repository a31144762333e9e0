import Glibc

/// The number of processors of this machine that are online, at least 1. Computations use this many
/// threads.
package func processorCount() -> Int {
  max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}
