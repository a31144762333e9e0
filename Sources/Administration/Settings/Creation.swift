import ChunkFormat
package import ChunkStore
import FileIO
package import JSONText
package import SystemPackage
package import Workers

/// Creates a repository.
package struct CreationRequest: Sendable {
  package let settings: RepositorySettings
  /// What opens the repository; nil for one that is not encrypted.
  package let firstKey: NewKey?

  package init(_ settings: RepositorySettings, firstKey: NewKey?) {
    (self.settings, self.firstKey) = (settings, firstKey)
  }

  /// - Throws: `StoreError`.
  package func run(
    at path: FilePath, environment: RepositoryEnvironment, context: WorkContext
  ) throws -> CreationOutcome {
    let repository = try Repository.create(
      at: path, settings: settings, firstKey: firstKey, environment: environment,
      context: context)
    return CreationOutcome(repository: repository, secret: firstKey?.secret)
  }
}

package struct CreationOutcome: Sendable {
  package enum Encryption: String, Sendable {
    case passphrase
    case keyFile = "keyfile"
  }

  package let repository: Repository
  /// Nil where the repository is not encrypted.
  package let encryption: Encryption?

  fileprivate init(repository: Repository, secret: UnlockSecret?) {
    self.repository = repository
    encryption =
      switch secret {
      case .passphrase: .passphrase
      case .keyFile: .keyFile
      case nil: nil
      }
  }

  /// The document `created-repository`.
  package var json: JSON {
    let configuration = repository.configuration
    return .object([
      "id": .string(configuration.id.description),
      "repository": .string(repository.absoluteRoot),
      "chunkSizeBytes": .integer(Int64(configuration.chunkSizeBytes)),
      "compression": .string(configuration.compression.description),
      "encryption": .optional(encryption?.rawValue),
    ])
  }
}

extension Repository {
  /// The repository's directory, for a process that starts elsewhere.
  package var absoluteRoot: String { (root.resolved ?? root).escaped }
}
