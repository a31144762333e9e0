package import ChunkFormat
import FileIO
import SystemPackage

/// A condemnation as it lies in the repository.
package struct StoredCondemnation: Sendable {
  /// Random; the file's name.
  package let name: String
  package var condemnation: Condemnation
}

/// The files that say which packs are about to be deleted.
struct CondemnationShelf: Sendable {
  let layout: RepositoryLayout
  let fileSystem: any FileSystem
  let repository: RepositoryID
  let keys: RepositoryKeys?

  /// All condemnations.
  ///
  /// - Throws: ``StoreError``, also where one cannot be read: its packs are not known then.
  func list() throws(StoreError) -> [StoredCondemnation] {
    var found: [StoredCondemnation] = []
    for name in try names() {
      do throws(StoreError) {
        found.append(StoredCondemnation(name: name, condemnation: try read(name)))
      } catch  where error.code == .notFound {
        // Carried out since the names were listed.
        continue
      } catch  where error.code == .damaged {
        throw StoreError(
          .damaged,
          "\(error.message); 'varve gc' or 'varve check-repository --fix' removes it, and nothing is "
            + "lost by that")
      }
    }
    return found
  }

  /// Removes condemnations that are damaged; returns their files.
  func removeDamaged() throws(StoreError) -> [FilePath] {
    var removed: [FilePath] = []
    for name in try names() {
      do throws(StoreError) {
        _ = try read(name)
      } catch  where error.code == .damaged {
        try remove(name)
        removed.append(layout.condemned.appending(name))
      }
    }
    return removed
  }

  private func names() throws(StoreError) -> [String] {
    try reportingFileErrors { () throws(FileError) in
      // Nothing is there where no garbage was ever collected.
      try fileSystem.listIfThere(layout.condemned)?
        .filter { $0.kind == .file && RepositoryLayout.isRandomName($0.name) }.map(\.name) ?? []
    }
  }

  /// Writes a condemnation down. When this returns, every session that begins heeds it, and it
  /// survives a power failure.
  func add(_ condemnation: Condemnation) throws(StoreError) -> StoredCondemnation {
    let name = try reportingFormatErrors(of: "condemnation") { () throws(FormatError) in
      try Randomness.bytes(count: 16).withUnsafeBytes { Hexadecimal.encode($0) }
    }
    let stored = StoredCondemnation(name: name, condemnation: condemnation)
    try write(stored)
    return stored
  }

  /// Puts the condemnation in the place of the one of its name.
  func write(_ stored: StoredCondemnation) throws(StoreError) {
    let bytes = try reportingFormatErrors(of: "condemnation") { () throws(FormatError) in
      try stored.condemnation.encoded(repository: repository, keys: keys)
    }
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.createDirectories(
        layout.condemned, permissions: RepositoryLayout.directoryPermissions)
      try fileSystem.writeDurably(
        bytes, to: layout.condemned.appending(stored.name),
        permissions: RepositoryLayout.filePermissions)
    }
  }

  /// Removes a condemnation whose packs are gone or pardoned.
  func remove(_ name: String) throws(StoreError) {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.remove(layout.condemned.appending(name))
      try fileSystem.synchronizeDirectory(layout.condemned)
    }
  }

  private func read(_ name: String) throws(StoreError) -> Condemnation {
    let path = layout.condemned.appending(name)
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try fileSystem.readAll(path, limitBytes: Condemnation.maximumFileBytes)
    } catch {
      throw error.code == .notFound
        ? StoreError(.notFound, "condemnation \(name) was carried out") : StoreError(error)
    }
    return try reportingFormatErrors(of: "condemnation \(path)") { () throws(FormatError) in
      try Condemnation(encoded: bytes, repository: repository, keys: keys)
    }
  }
}
