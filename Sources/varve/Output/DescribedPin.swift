import CalendarTime
import ChunkFormat
import ChunkStore
import JSONText
import Overlays

/// A pin, with what became of the revision and of the overlay that it is for.
struct DescribedPin {
  enum State: String {
    case inUse
    case present
    /// Its overlay is gone.
    case stale
    /// It was made in a repository at another path of this machine.
    case copied
    case otherMachine
    /// Nobody here can look for its overlay.
    case unknown

    var text: String {
      switch self {
      case .inUse: "in use"
      case .present: ""
      case .otherMachine: "other machine"
      case .stale, .copied, .unknown: rawValue
      }
    }
  }

  /// Digits of a pin's name that are enough to tell it from others.
  private static let shortDigits = 8

  let stored: StoredPin
  let state: State
  /// Whether the repository still has the revision, forgotten or not.
  let hasRevision: Bool
  /// What the revision's job is called now.
  private let job: String

  init(
    _ stored: StoredPin, in repository: Repository, overlays: OverlayStore
  ) throws {
    self.stored = stored
    let id = stored.pin.revision
    hasRevision = try repository.exists(id) || repository.forgottenRevisions().contains(id)
    job = repository.job(of: stored.pin)
    state =
      switch (
        repository.origin(of: stored.pin, context: .ofProgram()),
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

  var shortName: String { String(stored.name.description.prefix(Self.shortDigits)) }

  /// The repository that the pin was made in.
  var madeIn: String { "\(stored.pin.host):\(Self.text(of: stored.pin.repositoryPath))" }

  private var place: String { "\(stored.pin.host):\(Self.text(of: stored.pin.ownerPath))" }

  private static func text(of path: [UInt8]) -> String { String(decoding: path, as: UTF8.self) }

  /// Why the pin may still be needed, and what releasing it means; nil where its overlay is gone.
  var reasonToKeep: String? {
    let pin = stored.pin
    let meaning =
      "without the pin its revision \(pin.revision.short) of \(job) can be deleted, and what was "
      + "written to the overlay is lost with it"
    switch state {
    case .stale: return nil
    case .inUse: return "a process has the \(pin.owner) in \(place) open; \(meaning)"
    case .present: return "the \(pin.owner) is still there, in \(place); \(meaning)"
    case .copied:
      return "the pin was made in \(madeIn); if the \(pin.owner) is used with this repository, "
        + meaning
    case .otherMachine, .unknown:
      return "nobody here can tell whether the \(pin.owner) in \(place) still exists; \(meaning)"
    }
  }

  var cells: [Cell] {
    let pin = stored.pin
    return [
      Cell(shortName), Cell(job), Cell(pin.revision.short),
      Cell(TimeZone.shown.text(of: pin.created)), Cell(pin.owner),
      hasRevision
        ? Cell(state.text, state == .stale ? .bad : nil) : Cell("its revision is gone", .bad),
      Cell(place),
    ]
  }

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
