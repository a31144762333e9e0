import Administration
import ArgumentParser
import BackupEngine
import ChunkFormat
import FileIO
import Glibc
import SystemPackage

/// The volumes of a backup as they were written, each with its name.
struct VolumeInputs: Equatable {
  let volumes: [(name: String, path: String)]

  static func == (left: VolumeInputs, right: VolumeInputs) -> Bool {
    left.volumes.elementsEqual(right.volumes, by: ==)
  }

  /// - Throws: `ValidationError` for volumes without a name beside others, two of one name, an empty
  ///   path, and standard input twice.
  init(_ arguments: [String]) throws {
    let inputs = arguments.map(NamedInput.init)
    for input in inputs { try NameArgument.checkText(input.name ?? "") }
    if let nameless = inputs.first(where: { $0.name == nil }), inputs.count > 1 {
      throw ValidationError(
        "With several volumes, name each: NAME=\(nameless.path), such as vda=\(nameless.path).")
    }
    if let empty = inputs.first(where: { $0.path.isEmpty }) {
      throw ValidationError("Volume '\(empty.name ?? "")' has no source; expected NAME=PATH.")
    }
    if inputs.filter({ $0.path == "-" }).count > 1 {
      throw ValidationError("Standard input (-) can be the source of one volume only.")
    }
    volumes = inputs.map { ($0.name ?? RevisionVolume.unnamed, $0.path) }
    if let name = Self.repeated(volumes.map(\.name)) {
      throw ValidationError("Volume name '\(name)' is used twice; give each volume its own name.")
    }
  }

  static func repeated(_ names: [String]) -> String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
  }
}

/// The documents of a backup as they were written, each with its name: that of its file, where it
/// was given none.
struct AttachmentInputs {
  let attachments: [(name: String, path: String)]

  /// - Throws: `ValidationError` for two of one name, and for a path without a name.
  init(_ arguments: [String]) throws {
    attachments = arguments.map(NamedInput.init).map { ($0.name ?? $0.fileName, $0.path) }
    if let wrong = attachments.first(where: { $0.name.isEmpty || $0.path.isEmpty }) {
      throw ValidationError("--attach needs a file, found '\(wrong.path)'.")
    }
    if let unnamed = attachments.first(where: { $0.name.hasEscapedBytes }) {
      throw ValidationError(
        "The name '\(unnamed.name.showingEscapedBytes)' is not UTF-8; use --attach NAME=FILE to "
          + "choose another name.")
    }
    if let name = VolumeInputs.repeated(attachments.map(\.name)) {
      throw ValidationError(
        "Two attachments are named '\(name)'; use --attach NAME=FILE to rename one.")
    }
  }

  /// Reads the documents, also from pipes such as `<(virsh dumpxml web01)`.
  ///
  /// - Throws: `FileError`, also for a document that is too large.
  func documents() throws -> [BackupRequest.Document] {
    try attachments.map { name, path in
      BackupRequest.Document(name: name, bytes: try Self.content(of: FilePath(escaped: path)))
    }
  }

  private static func content(of path: FilePath) throws(FileError) -> [UInt8] {
    let limitBytes = Int(Attachment.maximumBytes)
    do throws(Errno) {
      return try Descriptor(opening: path, flags: O_RDONLY).readToEnd(limitBytes: limitBytes)
    } catch {
      throw FileError(
        operation: "read", path: path, errno: error,
        detail: error == .fileTooLarge ? .tooLarge(limitBytes: limitBytes) : nil)
    }
  }
}
