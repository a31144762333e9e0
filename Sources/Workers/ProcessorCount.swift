import Glibc

/// Processors that are at work in this machine, at least 1; work that computes runs as wide.
package func processorCount() -> Int {
  max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}
