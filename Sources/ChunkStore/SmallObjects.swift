package import ChunkFormat
import ObjectStorage

/// The small objects of a repository: each is read whole and checked, and written in one step.
struct SmallObjects: Sendable {
  let storage: any ObjectStorage
  let repository: RepositoryID
  let keys: RepositoryKeys?

  /// Reads an object.
  ///
  /// - Parameters:
  ///   - subject: what errors call it.
  ///   - gone: what is said where there is none.
  /// - Throws: ``StoreError``: `.notFound`, `.damaged` and the like.
  func read<Content: EnvelopedFile>(
    _ key: ObjectKey, as subject: @autoclosure () -> String, gone: @autoclosure () -> String
  ) throws(StoreError) -> Content {
    try read(key, limitBytes: Content.maximumFileBytes, as: subject(), gone: gone()) {
      bytes throws(FormatError) in
      try Content(encoded: bytes, repository: repository, keys: keys)
    }
  }

  /// The same for an object that `decode` makes of its bytes.
  func read<Content>(
    _ key: ObjectKey, limitBytes: Int, as subject: @autoclosure () -> String,
    gone: @autoclosure () -> String, decode: ([UInt8]) throws(FormatError) -> Content
  ) throws(StoreError) -> Content {
    let bytes: [UInt8]
    do throws(StorageError) {
      bytes = try storage.read(key, limitBytes: limitBytes)
    } catch {
      throw error.code == .notFound ? StoreError(.notFound, gone()) : StoreError(error)
    }
    return try reportingFormatErrors(of: subject()) { () throws(FormatError) in
      try decode(bytes)
    }
  }

  /// Puts an object, in place of one of its name. When this returns, it survives a power failure.
  ///
  /// - Parameter subject: what errors call it.
  func write(
    _ content: some EnvelopedFile, to key: ObjectKey, as subject: @autoclosure () -> String
  ) throws(StoreError) {
    let bytes = try encoded(content, as: subject())
    try reportingStorageErrors { () throws(StorageError) in try storage.put(bytes, as: key) }
  }

  /// Puts an object under the SHA-256 of its bytes.
  ///
  /// - Parameters:
  ///   - area: of objects that are named so.
  ///   - subject: what errors call it.
  func writeNamed(
    _ content: some EnvelopedFile, in area: ObjectArea, as subject: @autoclosure () -> String
  ) throws(StoreError) -> FileDigest {
    let bytes = try encoded(content, as: subject())
    let name = try reportingFormatErrors(of: subject()) { () throws(FormatError) in
      try FileDigest(of: bytes)
    }
    try reportingStorageErrors { () throws(StorageError) in
      try storage.put(bytes, as: ObjectKey(area, name.description))
    }
    return name
  }

  func encoded(
    _ content: some EnvelopedFile, as subject: @autoclosure () -> String
  ) throws(StoreError) -> [UInt8] {
    try reportingFormatErrors(of: subject()) { () throws(FormatError) in
      try content.encoded(repository: repository, keys: keys)
    }
  }
}

extension FileDigest {
  /// Checks that this is the SHA-256 of `bytes`, whose name it is.
  ///
  /// - Throws: ``FormatError``: `.corrupt`.
  package func check(_ bytes: [UInt8], of kind: RepositoryFileKind) throws(FormatError) {
    let digest = try FileDigest(of: bytes)
    guard digest == self else {
      throw .corrupt(
        kind.name, expected: "content with the SHA-256 \(self)", found: "\(digest)")
    }
  }
}
