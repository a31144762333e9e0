import FileIO
import Glibc
import SystemPackage

/// Opens the source of a backup: `-` is standard input, anything else is a path.
///
/// A path may lead to a raw image file, a block device or a FIFO. For a FIFO, this waits for a
/// writer. Standard input may be any readable file. If it is a file or block device, and its
/// position is at the beginning, it is read as such (`varve backup web01 - < disk.raw` recognises
/// holes). Otherwise it is read as a pipe.
///
/// - Parameter readsHoles: whether to read ranges that a file system reports as holes.
package func openSource(
  _ argument: String, readsHoles: Bool = false
) throws(VolumeSourceError) -> any VolumeSource {
  argument == "-"
    ? try openStandardInput(readsHoles: readsHoles)
    : try openSource(path: argument, readsHoles: readsHoles)
}

private func openStandardInput(
  readsHoles: Bool
) throws(VolumeSourceError) -> any VolumeSource {
  let name = "standard input"
  let descriptor = try opening(name) { () throws(Errno) in
    try Descriptor(duplicating: STDIN_FILENO)
  }
  if descriptor.isTerminal { throw .notAVolume(name, found: "a terminal") }
  let kind = try opening(name) { () throws(Errno) in try descriptor.metadata().kind }
  switch kind {
  case .directory:
    throw .notAVolume(name, found: kind.phrase)
  case .file where descriptor.isAtItsStart, .blockDevice where descriptor.isAtItsStart:
    return try StoredSource(
      name: name, path: nil, descriptor: descriptor, readsHoles: readsHoles)
  default:
    return PipeSource(name: name, descriptor: descriptor)
  }
}

private func openSource(
  path text: String, readsHoles: Bool
) throws(VolumeSourceError) -> any VolumeSource {
  let (path, name) = (FilePath(escaped: text), text.showingEscapedBytes)
  // Check the kind before opening, because opening a device node can have side effects. Check it
  // again afterwards, because the open file is the one that will be read.
  try requireVolume(name, try metadata(of: path, name: name).kind)
  let descriptor = try opening(name) { () throws(Errno) in
    try Descriptor(opening: path, flags: O_RDONLY)
  }
  let kind = try opening(name) { () throws(Errno) in try descriptor.metadata().kind }
  try requireVolume(name, kind)
  return kind == .pipe
    ? PipeSource(name: name, descriptor: descriptor)
    : try StoredSource(name: name, path: path, descriptor: descriptor, readsHoles: readsHoles)
}

private func requireVolume(_ name: String, _ kind: FileKind) throws(VolumeSourceError) {
  switch kind {
  case .file, .blockDevice, .pipe: return
  default: throw .notAVolume(name, found: kind.phrase)
  }
}

private func metadata(of path: FilePath, name: String) throws(VolumeSourceError) -> FileMetadata {
  do {
    return try POSIXFileSystem().metadata(of: path)
  } catch {
    throw .cannotOpen(name, error.errno)
  }
}

extension Descriptor {
  fileprivate var isAtItsStart: Bool { (try? filePosition()) == 0 }
}

private func opening<Result: ~Copyable>(
  _ name: String, _ body: () throws(Errno) -> Result
) throws(VolumeSourceError) -> Result {
  do {
    return try body()
  } catch {
    throw .cannotOpen(name, error)
  }
}
