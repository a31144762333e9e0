package import ChunkFormat
import Glibc
import ObjectStorage
import Remedies
package import SystemPackage
package import Workers

/// Whether a revision could be pinned.
package enum PinOutcome: Sendable {
  /// The pin is there, and survives a power failure.
  case pinned
  /// Nothing can be written to the repository now; why, in words.
  case unpinned(String)

  package var isPinned: Bool {
    if case .pinned = self { true } else { false }
  }
}

/// Where a pin was made: what tells the pins of a repository from those that a copy of it brought along.
package enum PinOrigin: Sendable {
  /// On this machine, in this repository.
  case here
  /// On this machine, in a repository at another path: this one is a copy, or was moved.
  case otherPath
  /// On another machine, which shares this repository or has the one that this is a copy of.
  case otherMachine
}

extension Repository {
  /// All pins.
  package func pins() throws(StoreError) -> PinListing { try pinObjects.list() }

  /// All pins, for whoever deletes something.
  ///
  /// - Throws: ``StoreError``, also where one cannot be read: which revision it keeps is not known then.
  package func soundPins() throws(StoreError) -> [StoredPin] {
    let listing = try pinObjects.list()
    guard let (name, error) = listing.unreadable.first else { return listing.pins }
    throw StoreError(
      error.code,
      "nothing is deleted: pin \(name) cannot be read (\(error.message)), so it is unknown which "
        + "revision it keeps",
      cause: error, remedy: .restorePin(name.description))
  }

  /// A pin by its name.
  ///
  /// - Throws: ``StoreError`` with `.notFound` where there is none, `.damaged`.
  package func pin(_ name: PinName) throws(StoreError) -> StoredPin {
    StoredPin(name: name, pin: try pinObjects.read(name))
  }

  /// Keeps a revision until the pin is released, whoever forgets it and whatever becomes of this
  /// process. A pin of that name is replaced.
  ///
  /// - Throws: ``StoreError``: `.notFound` where the revision is not there, or was forgotten and is not
  ///   pinned.
  @discardableResult
  package func pin(_ pin: Pin, as name: PinName) throws(StoreError) -> PinOutcome {
    let bytes = try objects.encoded(pin, as: "pin")
    var isThere = true
    do throws(StorageError) {
      // Nobody forgets it between the look and the pin.
      let lock = try storage.lock(.marks)
      defer { lock.release() }
      isThere = try storage.exists(pin.revision.key)
      if !isThere { isThere = try isKept(pin.revision) }
      if isThere {
        // Whoever commits it may not have come to that yet; a pin without a revision tells of a loss.
        try storage.settle(.revisions)
        try storage.put(bytes, as: name.key)
      }
    } catch  where [.readOnly, .permissionDenied, .noSpace].contains(error.code) {
      return .unpinned("\(error)")
    } catch {
      throw StoreError(error)
    }
    guard isThere else {
      throw StoreError(.notFound, "revision \(pin.revision) is not in the repository")
    }
    return .pinned
  }

  /// Lets a revision go that was pinned.
  ///
  /// - Returns: false where there is no such pin.
  package func releasePin(_ name: PinName) throws(StoreError) -> Bool {
    try pinObjects.remove(name)
  }

  /// Whether a pin keeps a revision although a program that knows no pins has forgotten it.
  func isKept(_ id: RevisionID) throws(StorageError) -> Bool {
    guard try storage.exists(id.forgottenKey) else { return false }
    return (try? pinObjects.list())?.pins.contains { $0.pin.revision == id } ?? false
  }

  // MARK: - Where pins come from

  /// A pin made here and now.
  ///
  /// - Parameters:
  ///   - owner: what needs the revision, in words.
  ///   - path: where that lies.
  package func newPin(
    of revision: RevisionID, job: String, for owner: String, at path: FilePath,
    context: WorkContext
  ) -> Pin {
    Pin(
      revision: revision, job: job, created: context.now(), owner: owner,
      ownerPath: path.canonicalBytes, host: context.host.name, machine: context.host.machine,
      repositoryPath: root.canonicalBytes)
  }

  /// Where a pin was made, as seen from here.
  package func origin(of pin: Pin, context: WorkContext) -> PinOrigin {
    let isKnown = !pin.machine.isEmpty && !context.host.machine.isEmpty
    let isSameMachine =
      isKnown ? pin.machine == context.host.machine : pin.host == context.host.name
    guard isSameMachine else { return .otherMachine }
    return pin.repositoryPath == root.canonicalBytes ? .here : .otherPath
  }

  var pinObjects: PinObjects { PinObjects(objects: objects) }
}

extension FilePath {
  /// The path without links, `.` and `..`, as bytes; as it is where it leads nowhere.
  package var canonicalBytes: [UInt8] {
    withPlatformString { path in
      guard let resolved = realpath(path, nil) else {
        return Array(UnsafeRawBufferPointer(start: path, count: strlen(path)))
      }
      defer { free(resolved) }
      return Array(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
    }
  }
}

extension Repository {
  /// What the job of a pinned revision is called now; as the pin has it where the revision cannot be read.
  package func job(of pin: Pin) -> String {
    if let entry = try? revision(pin.revision) { return entry.revision.job }
    return (try? forgottenRevision(pin.revision))?.job ?? pin.job
  }
}
