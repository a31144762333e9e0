import ArgumentParser
import ChunkFormat

extension CompressionMethod: ExplainedArgument {
  static var expectation: String {
    "none, zstd, or zstd:LEVEL with a level from \(levels.lowerBound) to \(levels.upperBound), except 0"
  }

  package init?(argument: String) { self.init(argument) }

  package var defaultValueDescription: String { description }
}

/// What opens a new repository first.
enum EncryptionMethod: String, ExpressibleByArgument, CaseIterable {
  case passphrase
  case keyfile
}
