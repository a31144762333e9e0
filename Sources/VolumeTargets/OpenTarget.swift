import FileIO
import Glibc
package import SystemPackage
import VolumeSources

/// Opens the target of a restore: `-` is standard output; `nbd://…`, `nbd+unix://…` and similar
/// URIs are NBD servers; anything else is a path.
///
/// A path may lead to nothing yet (a sparse file is made), a file (replaced when `force` is set,
/// else refused), a block device, a FIFO or a character device. Nothing is changed before
/// ``RestoreTarget/prepare(sizeBytes:)``.
///
/// - Parameter directory: refuses a file in this directory or below it, such as that of the repository.
package func openTarget(
  _ argument: String, force: Bool, outside directory: FilePath? = nil
) throws(RestoreTargetError) -> any RestoreTarget {
  if argument == "-" { return try openStandardOutput() }
  if NBDTarget.understands(argument) { return try NBDTarget(uri: argument) }
  return try openTarget(path: argument, force: force, outside: directory)
}

private func openStandardOutput() throws(RestoreTargetError) -> any RestoreTarget {
  let name = "standard output"
  let descriptor = try opening(name) { () throws(Errno) in
    try Descriptor(duplicating: STDOUT_FILENO)
  }
  if descriptor.isTerminal { throw .notATarget(name, found: "a terminal") }
  return PipeTarget(name: name, descriptor: descriptor)
}

private func openTarget(
  path text: String, force: Bool, outside directory: FilePath?
) throws(RestoreTargetError) -> any RestoreTarget {
  let (path, name) = (FilePath(escaped: text), text.showingEscapedBytes)
  let found = try kind(of: path, name: name)
  if let directory, found == nil || found == .file, path.isBelow(directory) {
    throw .inRepository(name)
  }
  guard let kind = found else {
    // A path that ends with a slash names a directory; FilePath forgets that slash.
    if text.utf8.last == UInt8(ascii: "/") { throw .noSuchDirectory(name) }
    if path.isLink { throw .notATarget(name, found: "a dangling symbolic link") }
    // Probably a mistyped device: a file there would be in memory, and would be lost at the next
    // boot.
    if path.isBelowDevices { throw .noSuchDevice(name) }
    return FileTarget(name: name, path: path, replacesExisting: false)
  }
  switch kind {
  case .file:
    guard force else { throw .alreadyExists(name) }
    // If the name is a symbolic link, replace the file, not the link.
    return FileTarget(name: name, path: path.resolved ?? path, replacesExisting: true)
  case .blockDevice:
    return BlockDeviceTarget(name: name, path: path)
  case .pipe, .characterDevice:
    let descriptor = try opening(name) { () throws(Errno) in
      try Descriptor(opening: path, flags: O_WRONLY)
    }
    return PipeTarget(name: name, descriptor: descriptor)
  case .directory, .socket, .symbolicLink:
    throw .notATarget(name, found: kind.phrase)
  }
}

extension FilePath {
  /// Whether the name itself is a symbolic link. (readlink(2))
  fileprivate var isLink: Bool {
    var first: CChar = 0
    return withPlatformString { readlink($0, &first, 1) } > 0
  }

  /// Whether this file is, or would be, in `directory` or below it, whatever links lead there.
  fileprivate func isBelow(_ directory: FilePath) -> Bool {
    let files = POSIXFileSystem()
    guard let forbidden = try? files.metadata(of: directory),
      var place = (resolved ?? self).directoryOfEntry.resolved
    else { return false }
    while true {
      if let own = try? files.metadata(of: place), own.device == forbidden.device,
        own.inode == forbidden.inode
      {
        return true
      }
      guard place.removeLastComponent() else { return false }
    }
  }

  /// `.` for a name alone.
  private var directoryOfEntry: FilePath {
    let parent = removingLastComponent()
    return parent.isEmpty ? "." : parent
  }

  /// Whether the directory of this path is on the same file system as `/dev`, which is kept in memory.
  /// `/dev/shm` is a separate file system.
  fileprivate var isBelowDevices: Bool {
    let files = POSIXFileSystem()
    guard let own = try? files.metadata(of: parentDirectory).device,
      let devices = try? files.metadata(of: "/dev").device,
      let root = try? files.metadata(of: "/").device
    else { return false }
    return own == devices && devices != root
  }
}

/// The kind of the file at `path`; nil if there is none.
private func kind(of path: FilePath, name: String) throws(RestoreTargetError) -> FileKind? {
  do {
    return try POSIXFileSystem().metadata(of: path).kind
  } catch  where error.code == .notFound {
    return nil
  } catch {
    throw .cannotOpen(name, error.errno)
  }
}

private func opening(
  _ name: String, _ body: () throws(Errno) -> Descriptor
) throws(RestoreTargetError) -> Descriptor {
  do {
    return try body()
  } catch {
    throw .cannotOpen(name, error)
  }
}
