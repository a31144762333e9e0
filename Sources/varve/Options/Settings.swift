import ArgumentParser
import ChunkFormat

extension CompressionMethod: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }

  package var defaultValueDescription: String { description }
}

/// What opens a new repository first.
enum EncryptionMethod: String, ExpressibleByArgument, CaseIterable {
  case passphrase
  case keyfile
}
