import Administration
import CalendarTime
import ChunkFormat
import ChunkStore

extension [Notice] {
  /// Says each: most are warnings.
  func warn() {
    for notice in self {
      switch notice {
      case .overlayMade: Console.shared.message(notice.description)
      case .overlayStays(let name, let entry, let reference):
        Console.shared.message(
          "the overlay '\(name)' stays on revision \(entry.shortID) of "
            + "\(TimeZone.shown.text(of: entry.revision.created)); \(reference) now refers to another revision"
        )
      case .unreadable, .distrusted, .unreadablePolicies, .overlayUnpinned,
        .incompleteLogicalVolumes,
        .inactiveLogicalVolumes, .notUndone, .unreadableLocalVolume:
        Console.shared.warning(notice.textWithRemedies)
      }
    }
  }
}

extension RevisionEntry {
  /// `1f3a9c02be77 of web01, 2026-11-20 01:30:04`.
  var oneLine: String {
    "\(shortID) of \(revision.job), \(TimeZone.shown.text(of: revision.created))"
  }

  /// `verified`, or how far; `unusual` where it was accepted as that.
  var trustCell: Cell {
    revision.isUnusual ? Cell("\(verificationCell.text), unusual", .doubtful) : verificationCell
  }

  /// The same, with whether it is protected.
  var stateCell: Cell {
    let trust = trustCell
    return marks.isProtected ? Cell("\(trust.text), protected", trust.colour) : trust
  }

  private var verificationCell: Cell {
    switch marks.trust {
    case .verified: Cell("verified", .good)
    case .distrusted: Cell("distrusted", .bad)
    case .trusted:
      // After damage was found, somebody declared the revision trusted again: that verification says
      // nothing for it.
      Cell(
        marks.verification.flatMap {
          $0.damagedChunks == 0 ? "trusted (\($0.shareText) verified)" : nil
        } ?? "trusted")
    }
  }

  /// Revisions of which something is to become, so that one can see what they are.
  static func table(of entries: [RevisionEntry]) -> Table {
    var table = Table([
      .left("TIME"), .text("JOB"), .left("ID"), .right("SIZE"), .text("TRUST"), .text("TAGS"),
    ])
    for entry in entries {
      table.add([
        Cell(TimeZone.shown.text(of: entry.revision.created)), Cell(entry.revision.job),
        Cell(entry.shortID), Cell(Quantities.bytes(entry.sizeBytes)), entry.trustCell,
        Cell(entry.marks.tags.joined(separator: ",")),
      ])
    }
    return table
  }
}

extension VerificationMark {
  /// `5 %`, rounded down, so that 100 % means all.
  var shareText: String { Quantities.share(checkedChunks, of: totalChunks) }
}
