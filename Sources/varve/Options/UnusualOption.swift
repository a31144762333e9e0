import Administration
import ArgumentParser
import BackupEngine
import ChunkFormat

/// Whether a backup that looks like a failed one is made all the same.
struct UnusualOption: ParsableArguments {
  @Flag(
    name: .customLong("accept-unusual"),
    help: """
      Create a revision even if a volume is empty or lost more than half of its data or size, or \
      if volumes were added or removed. The revision is marked unusual, and 'varve prune' never \
      keeps it in place of an older one.
      """)
  var isAccepted = false

  /// Words what the engine refuses as unusual.
  static func explaining<Result>(_ backUp: () throws -> Result) throws -> Result {
    do {
      return try backUp()
    } catch let error as EngineError {
      guard case .unusual(let unusual) = error.code else { throw error }
      let changes = unusual.changes.map(\.text).joined(separator: "; ")
      let before = unusual.before.map { " (compared with revision \($0.short))" } ?? ""
      throw Failure(
        .unusual,
        "no revision was created: \(changes)\(before); check the source; if it is right, use "
          + "--accept-unusual")
    }
  }
}
