import FileIO
import Glibc
import SystemPackage

/// Opens what a backup reads from: `-` is standard input, anything else a path.
///
/// A path may lead to a raw image file, a block device or a FIFO, where this waits for a writer.
/// Standard input may be anything that can be read; when it is a file or block device from its
/// beginning, it is treated as such (`varve backup web01 - < disk.raw` sees the holes), else as a
/// pipe.
///
/// - Parameter readsHoles: whether what a file system calls a hole is read all the same.
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
  // Looked at before it is opened, because opening a device node can have effects of its own, and
  // again afterwards, because that is what will be read.
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
