import Glibc
import SystemPackage

/// An open directory, which can be read to its end once.
struct DirectoryStream: ~Copyable {
  private let stream: OpaquePointer

  init(_ path: FilePath) throws(Errno) {
    guard let stream = path.withPlatformString({ opendir($0) }) else {
      throw Errno(rawValue: errno)
    }
    self.stream = stream
  }

  /// Takes over an open directory.
  init(_ directory: consuming Descriptor) throws(Errno) {
    // fdopendir(3) takes over its descriptor, and `directory` closes its own. So it needs a copy.
    let copy = try retryingCall { fcntl(directory.rawValue, F_DUPFD_CLOEXEC, 0) }
    guard let stream = fdopendir(copy) else {
      let error = Errno(rawValue: errno)
      close(copy)
      throw error
    }
    self.stream = stream
  }

  deinit { closedir(stream) }

  /// All entries except `.` and `..`, in no particular order.
  func readEntries() throws(Errno) -> [DirectoryEntry] {
    var entries: [DirectoryEntry] = []
    while true {
      // readdir(3) distinguishes an error from the end only by errno.
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw Errno(rawValue: errno) }
        return entries
      }
      let name = Self.name(of: entry)
      if name == "." || name == ".." { continue }
      guard let kind = try kind(of: entry, name: name) else { continue }
      entries.append(DirectoryEntry(name: name, kind: kind))
    }
  }

  /// The kind of an entry; nil if the entry has been removed since.
  private func kind(
    of entry: UnsafeMutablePointer<dirent>, name: String
  ) throws(Errno) -> FileKind? {
    if let kind = FileKind(directoryEntryType: entry.pointee.d_type) { return kind }
    var status = stat()
    do {
      _ = try name.withUnescapedCString { name throws(Errno) in
        try retryingCall { fstatat(dirfd(stream), name, &status, AT_SYMLINK_NOFOLLOW) }
      }
    } catch .noSuchFileOrDirectory {
      return nil
    }
    return status.metadata.kind
  }

  private static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
    // The name may be longer than the declared array: some file systems allow more than 255 bytes.
    let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
    let bytes = UnsafeRawPointer(entry).advanced(by: offset)
    return String(escapingCString: bytes.assumingMemoryBound(to: CChar.self))
  }
}
