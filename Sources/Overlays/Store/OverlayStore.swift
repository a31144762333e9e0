package import ChunkFormat
package import ChunkStore
package import FileIO
import Remedies
package import SystemPackage
package import Workers

/// The named overlays of one repository: directories below `DIRECTORY/REPOSITORY-ID`.
///
/// A process that opens, creates or removes an overlay holds the lock of this directory during that
/// time. A process that has an overlay open holds the lock of the overlay.
package struct OverlayStore: Sendable {
  /// An overlay in a list.
  package struct Listing: Sendable {
    package let name: String
    /// The description, or why it cannot be read.
    package let description: Result<OverlayDescription, OverlayError>
    /// Whether a process has it open.
    package let isInUse: Bool
    /// The space that it uses on disk.
    package let allocatedBytes: UInt64
  }

  let root: FilePath
  let repository: Repository
  let context: WorkContext
  /// The directory of the overlays of all repositories.
  private let directory: FilePath
  /// Reaches all files. ``fileSystem`` reaches only files in the directory.
  let wholeFileSystem: any FileSystem
  let fileSystem: any FileSystem

  /// Creates the store for the overlays of one repository.
  ///
  /// - Parameter directory: the directory of the overlays of all repositories. It is created with
  ///   the first overlay.
  /// - Throws: ``OverlayError`` with `.invalidRequest` for a directory inside the repository.
  package init(
    in directory: FilePath, of repository: Repository, context: WorkContext,
    fileSystem: any FileSystem = POSIXFileSystem()
  ) throws(OverlayError) {
    try OverlayDirectory.check(directory, isOutside: repository.root)
    root = directory.appending(repository.configuration.id.description)
    self.repository = repository
    self.context = context
    self.directory = directory
    wholeFileSystem = fileSystem
    self.fileSystem = fileSystem.confined(to: directory, newFiles: .user)
  }

  // MARK: - Listing

  /// Returns all overlays, in the order of their names.
  package func list() throws(OverlayError) -> [Listing] {
    guard try exists(root) else { return [] }
    return try whileAlone { () throws(OverlayError) -> [Listing] in
      try names().map { name throws(OverlayError) -> Listing in try listing(of: name) }
    }
  }

  package func contains(_ name: String) throws(OverlayError) -> Bool {
    guard Name.isValid(name) else { return false }
    return try exists(files(name).directory)
  }

  private func listing(of name: String) throws(OverlayError) -> Listing {
    let files = files(name)
    return Listing(
      name: name,
      description: Result { () throws(OverlayError) in try checkedDescription(files) },
      isInUse: try files.lock() == nil, allocatedBytes: try files.allocatedBytes())
  }

  // MARK: - Opening and creating

  /// Creates an overlay without changes. Pins its revision if the repository is writable.
  ///
  /// The pin is created before the overlay gets its name. So a crash in between may leave a pin
  /// without an overlay, but never an overlay whose revision may be deleted.
  ///
  /// - Throws: ``OverlayError`` with `.invalidRequest` for a name that is invalid or in use, with
  ///   `.revisionGone`, and with `.noSpace`.
  package func create(_ name: String, on entry: RevisionEntry) throws(OverlayError) {
    guard Name.isValid(name) else {
      throw OverlayError(
        .invalidRequest, "'\(name)' is not a valid name for an overlay: \(Name.rule)")
    }
    try reportingFileErrors { () throws(FileError) in
      try wholeFileSystem.createDirectories(
        directory, permissions: OverlayDirectory.permissions)
      try fileSystem.createDirectories(root, permissions: OverlayDirectory.permissions)
    }
    try whileAlone { () throws(OverlayError) in
      guard try !exists(files(name).directory) else {
        throw OverlayError(.invalidRequest, "there is already an overlay '\(name)'")
      }
      try removeUnfinished()
      let unfinished = OverlayFiles(
        directory: files(name).directory.temporarySibling(), fileSystem: fileSystem)
      let pin = try reportingStoreErrors { () throws(StoreError) in try PinName.random() }
      do throws(OverlayError) {
        let description = OverlayDescription(
          repository: repository.configuration.id, revision: entry.id, of: entry.revision,
          created: context.now(), pin: pin)
        try unfinished.create(description)
        _ = try self.pin(description, of: name, as: pin)
        try rename(unfinished.directory, to: files(name).directory)
      } catch {
        _ = try? discard(unfinished)
        throw error
      }
    }
  }

  /// Opens an overlay. No other process can open it at the same time. Pins its revision if it is
  /// not pinned yet and the repository is writable.
  ///
  /// - Throws: ``OverlayError`` with `.notFound`, `.inUse`, `.damaged`, `.unsupported`,
  ///   `.wrongRepository` or `.revisionGone`.
  package func open(_ name: String) throws(OverlayError) -> NamedOverlay {
    let files = files(name)
    let lock = try whileAlone { () throws(OverlayError) -> any OpenFile in try locked(name) }
    var description = try checkedDescription(files)
    let pinning = try ensurePinned(&description, of: name, in: files)
    return try NamedOverlay(
      name: name, description: description, pinning: pinning, files: files, lock: lock,
      repository: repository, context: context)
  }

  // MARK: - Removing

  /// Removes an overlay with all data written to it, in any state, and then its pin.
  ///
  /// - Throws: ``OverlayError`` with `.notFound` or `.inUse`.
  /// - Returns: the pin if it could not be released.
  @discardableResult
  package func remove(_ name: String) throws(OverlayError) -> LeftPin? {
    let removed = try whileAlone { () throws(OverlayError) -> OverlayFiles in
      let lock = try locked(name)
      defer { lock.close() }
      return try takeAway(name)
    }
    return try discard(removed)
  }

  /// Closes and removes an overlay that this process has open.
  ///
  /// - Returns: the pin if it could not be released.
  @discardableResult
  package func remove(_ overlay: NamedOverlay) throws(OverlayError) -> LeftPin? {
    let removed = try whileAlone { () throws(OverlayError) -> OverlayFiles in
      try takeAway(overlay.name)
    }
    overlay.abandon()
    return try discard(removed)
  }

  /// Gives the directory of an overlay a temporary name. Returns the files at their new location.
  private func takeAway(_ name: String) throws(OverlayError) -> OverlayFiles {
    let directory = files(name).directory
    let removed = directory.temporarySibling()
    try rename(directory, to: removed)
    return OverlayFiles(directory: removed, fileSystem: fileSystem)
  }

  /// Removes the files of an overlay that has no name any more, or none yet. Releases the pin
  /// first: until both are gone, the files say which pin is left.
  private func discard(_ files: OverlayFiles) throws(OverlayError) -> LeftPin? {
    let pin = (try? checkedDescription(files))?.pin
    let left = pin.flatMap(release)
    try removeTree(files.directory)
    return left
  }

  /// Removes the leftovers of interrupted operations.
  private func removeUnfinished() throws(OverlayError) {
    for entry in try entries() where FilePath.isTemporaryName(entry.name) {
      _ = try discard(
        OverlayFiles(directory: root.appending(entry: entry.name), fileSystem: fileSystem))
    }
  }

  // MARK: - Parts

  func files(_ name: String) -> OverlayFiles {
    OverlayFiles(directory: root.appending(name), fileSystem: fileSystem)
  }

  private func entries() throws(OverlayError) -> [DirectoryEntry] {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.list(root).filter { $0.kind == .directory }
    }
  }

  private func names() throws(OverlayError) -> [String] {
    try entries().map(\.name).filter { Name.isValid($0) }
  }

  private func exists(_ path: FilePath) throws(OverlayError) -> Bool {
    try reportingFileErrors { () throws(FileError) in
      do throws(FileError) {
        return try fileSystem.metadata(of: path).kind == .directory
      } catch  where error.code == .notFound {
        return false
      }
    }
  }

  private func whileAlone<Result>(
    _ body: () throws(OverlayError) -> Result
  ) throws(OverlayError) -> Result {
    guard try exists(root) else { return try body() }
    let lock = try reportingFileErrors { () throws(FileError) in
      try fileSystem.lockFile(root.appending(".lock"), .exclusive)
    }
    defer { lock.close() }
    return try body()
  }

  private func locked(_ name: String) throws(OverlayError) -> any OpenFile {
    guard try contains(name) else {
      throw OverlayError(
        .notFound, "there is no overlay '\(name)' in \(root)", remedy: .listOverlays)
    }
    guard let lock = try files(name).lock() else {
      throw OverlayError(
        .inUse,
        "the overlay '\(name)' is open in another process; end the server that uses it first")
    }
    return lock
  }

  private func checkedDescription(
    _ files: OverlayFiles
  ) throws(OverlayError) -> OverlayDescription {
    let description = try files.description()
    guard description.repository == repository.configuration.id.description else {
      throw OverlayError(
        .wrongRepository,
        "\(files.directory) belongs to repository \(description.repository), not to "
          + "\(repository.root) (\(repository.configuration.id))")
    }
    return description
  }

  private func rename(_ path: FilePath, to destination: FilePath) throws(OverlayError) {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.rename(path, to: destination)
      try fileSystem.synchronizeDirectory(root)
    }
  }

  private func removeTree(_ path: FilePath) throws(OverlayError) {
    try reportingFileErrors { () throws(FileError) in try fileSystem.removeTree(path) }
  }
}

extension OverlayStore {
  /// Returns the names of a repository's overlays below `directory`, without locks and keys.
  /// Returns none if the directory cannot be read.
  package static func names(in directory: FilePath, of repository: RepositoryID) -> [String] {
    let fileSystem = POSIXFileSystem().confined(to: directory, newFiles: .user)
    let entries = try? fileSystem.listIfThere(directory.appending(repository.description))
    return (entries ?? []).filter { $0.kind == .directory && Name.isValid($0.name) }.map(\.name)
  }
}
