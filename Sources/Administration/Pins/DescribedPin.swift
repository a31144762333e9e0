import CalendarTime
import ChunkFormat
package import ChunkStore
import JSONText
import Overlays
import Workers

/// A pin, with what became of the revision and of the overlay that it is for.
package struct DescribedPin: Sendable {
  package enum State: String, Sendable {
    /// A process has its overlay open.
    case inUse
    case present
    /// Its overlay is gone.
    case stale
    /// It was made in a repository at another path of this machine.
    case copied
    case otherMachine
    /// Nobody here can look for its overlay.
    case unknown
  }

  /// Digits of a pin's name that are enough to tell it from others.
  private static let shortDigits = 8

  package let stored: StoredPin
  package let state: State
  /// Whether the repository still has the revision, forgotten or not.
  package let hasRevision: Bool
  /// What the revision's job is called now.
  package let job: String

  init(
    _ stored: StoredPin, in repository: Repository, overlays: OverlayStore,
    context: WorkContext
  ) throws {
    self.stored = stored
    let id = stored.pin.revision
    hasRevision = try repository.exists(id) || repository.forgottenRevisions().contains(id)
    job = repository.job(of: stored.pin)
    state =
      switch (
        repository.origin(of: stored.pin, context: context),
        try overlays.ownerState(of: stored)
      ) {
      case (.otherPath, _): .copied
      case (.otherMachine, .unknown): .otherMachine
      case (_, .inUse): .inUse
      case (_, .present): .present
      case (_, .gone): .stale
      case (.here, .unknown): .unknown
      }
  }

  package var shortName: String { String(stored.name.description.prefix(Self.shortDigits)) }

  /// The repository that the pin was made in: `backup1:/srv/varve`.
  package var madeIn: String { "\(stored.pin.host):\(Self.text(of: stored.pin.repositoryPath))" }

  /// Where its overlay is, or was.
  package var place: String { "\(stored.pin.host):\(Self.text(of: stored.pin.ownerPath))" }

  private static func text(of path: [UInt8]) -> String { String(decoding: path, as: UTF8.self) }

  /// An element of the document `pins`.
  var json: JSON {
    let pin = stored.pin
    return .object([
      "id": .string(stored.name.description),
      "revision": .string(pin.revision.description),
      "hasRevision": .bool(hasRevision),
      "job": .string(job),
      "created": .string(pin.created.rfc3339),
      "owner": .string(pin.owner),
      "ownerPath": .string(Self.text(of: pin.ownerPath)),
      "host": .string(pin.host),
      "repositoryPath": .string(Self.text(of: pin.repositoryPath)),
      "state": .string(state.rawValue),
    ])
  }
}
