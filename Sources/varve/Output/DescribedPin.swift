import Administration
import CalendarTime
import ChunkFormat
import ChunkStore

extension DescribedPin {
  /// Why the pin may still be needed, and what releasing it means; nil where its overlay is gone.
  var reasonToKeep: String? {
    let pin = stored.pin
    let meaning =
      "without the pin, revision \(pin.revision.short) of \(job) can be deleted, and the overlay's "
      + "data is lost with it"
    return switch state {
    case .stale: nil
    case .inUse: "the \(pin.owner) in \(place) is open in a process; \(meaning)"
    case .present: "the \(pin.owner) still exists in \(place); \(meaning)"
    case .copied:
      "the pin was created in \(madeIn); if the \(pin.owner) is used with this repository, \(meaning)"
    case .otherMachine, .unknown:
      "cannot tell from here whether the \(pin.owner) in \(place) still exists; \(meaning)"
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
}

extension DescribedPin.State {
  fileprivate var text: String {
    switch self {
    case .inUse: "in use"
    case .present: ""
    case .otherMachine: "other machine"
    case .stale, .copied, .unknown: rawValue
    }
  }
}
