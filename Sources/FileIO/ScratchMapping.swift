import CLinux
import Glibc
package import SystemPackage

/// Memory in a file without a name, for tables that may grow larger than main memory. The system
/// writes pages that are not in use to the file, and reads them back. The memory is initially zero.
///
/// Only one thread may use it at a time.
package final class ScratchMapping {
  private static let pageBytes = 64 << 10
  private static let copyingReserveBytes = 16 << 20

  private let descriptor: Descriptor
  private let path: FilePath
  /// The memory; it moves when it grows.
  package private(set) var bytes: UnsafeMutableRawBufferPointer

  /// - Parameter directory: the directory of the file; must have room, and be on storage, not in
  ///   memory.
  package init(in directory: FilePath) throws(FileError) {
    path = directory
    do throws(Errno) {
      descriptor = try Self.unnamedFile(in: directory)
    } catch {
      throw FileError(operation: "create a temporary file in", path: directory, errno: error)
    }
    bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  }

  private static func unnamedFile(in directory: FilePath) throws(Errno) -> Descriptor {
    do throws(Errno) {
      return try Descriptor(
        opening: directory, flags: O_RDWR | linux_open_unnamed, permissions: [.ownerReadWrite])
    } catch  where [.notSupportedOnSocket, .notSupported, .isDirectory].contains(error) {
      // The file system has no files without names. If the process is killed here, an empty file is
      // left over.
      let path = directory.appending("scratch").temporarySibling()
      let file = try Descriptor(
        opening: path, flags: O_RDWR | O_CREAT | O_EXCL, permissions: [.ownerReadWrite])
      _ = path.withPlatformString { unlink($0) }
      return file
    }
  }

  deinit {
    if let base = bytes.baseAddress { munmap(base, bytes.count) }
  }

  /// Grows the memory to at least this length, in large steps.
  ///
  /// - Throws: ``FileError``, with `noSpace` if the file system has no room. If nothing is thrown,
  ///   all of the memory can be written without an error.
  package func grow(toBytes wanted: Int) throws(FileError) {
    guard wanted > bytes.count else { return }
    let doubled = max(wanted, min(bytes.count * 2, bytes.count + (256 << 20)))
    let length = (doubled + Self.pageBytes - 1) / Self.pageBytes * Self.pageBytes
    let code =
      hasRoom(forBytes: length) ? posix_fallocate(descriptor.rawValue, 0, off_t(length)) : ENOSPC
    guard code == 0 else {
      throw FileError(operation: "reserve space in", path: path, errno: Errno(rawValue: code))
    }
    let moved = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.rawValue, 0)
    guard moved != MAP_FAILED, let moved else {
      throw FileError(operation: "map", path: path, errno: Errno(rawValue: errno))
    }
    if let base = bytes.baseAddress { munmap(base, bytes.count) }
    bytes = UnsafeMutableRawBufferPointer(start: moved, count: length)
  }

  /// Whether the file system has room. File systems such as btrfs and ZFS write changed blocks to
  /// new places, even if blocks were reserved. Without room for them, a write to the mapping ends
  /// the process with SIGBUS. So such a file system must have room for more than one copy.
  private func hasRoom(forBytes length: Int) -> Bool {
    var status = statfs()
    guard fstatfs(descriptor.rawValue, &status) == 0, status.copiesOnWrite else { return true }
    return status.f_bavail > UInt(2 * length + Self.copyingReserveBytes) / UInt(status.f_bsize)
  }
}
