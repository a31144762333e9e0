import CLinux
import Glibc
package import SystemPackage

/// Advice to the kernel about future reads. (posix_fadvise(2))
package enum ReadAdvice: Sendable, Hashable {
  /// The file will be read from start to end. The kernel doubles its readahead.
  case sequential
  /// The range will not be read again. The kernel removes its clean pages from the page cache.
  case notNeeded
}

extension Descriptor {
  /// Gives the kernel advice for a range. Ignores errors. A `lengthBytes` of 0 means up to the end
  /// of the file.
  package func advise(
    _ advice: ReadAdvice, at offsetBytes: UInt64 = 0, lengthBytes: UInt64 = 0
  ) {
    let value = advice == .sequential ? POSIX_FADV_SEQUENTIAL : POSIX_FADV_DONTNEED
    _ = posix_fadvise(
      rawValue, off_t(clamping: offsetBytes), off_t(clamping: lengthBytes), value)
  }

  /// For each block of a range, whether any page of it is in the page cache.
  ///
  /// For a file that the process cannot write to, the kernel reports all pages as cached.
  /// (mincore(2))
  ///
  /// - Parameters:
  ///   - offsetBytes: a multiple of the page size.
  ///   - blockBytes: a multiple of the page size; the last block may be shorter.
  package func residentBlocks(
    at offsetBytes: UInt64, lengthBytes: Int, blockBytes: Int
  ) throws(Errno) -> [Bool] {
    let pageBytes = sysconf(CInt(_SC_PAGESIZE))
    let position = try offsetBytes.position()
    // The mapping is never read: so it does no harm if the file shrinks in the meantime.
    guard
      let mapping = mmap(nil, lengthBytes, PROT_READ, MAP_SHARED, rawValue, position),
      mapping != MAP_FAILED
    else { throw Errno(rawValue: errno) }
    defer { munmap(mapping, lengthBytes) }
    var pages = [UInt8](repeating: 0, count: (lengthBytes + pageBytes - 1) / pageBytes)
    try retryingCall { linux_resident_pages(mapping, lengthBytes, &pages) }

    let pagesInBlock = blockBytes / pageBytes
    return stride(from: 0, to: pages.count, by: pagesInBlock).map { first in
      pages[first..<min(first + pagesInBlock, pages.count)].contains { $0 & 1 == 1 }
    }
  }
}
