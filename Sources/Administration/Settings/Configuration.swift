import CalendarTime
package import ChunkFormat
package import ChunkStore
package import JSONText

/// Shows the settings of a repository.
package struct ConfigurationRequest: Sendable {
  package init() {}

  package func run(on repository: Repository) -> ConfigurationOutcome {
    ConfigurationOutcome(configuration: repository.configuration)
  }
}

/// Changes how new chunks are compressed.
package struct CompressionChangeRequest: Sendable {
  package let compression: CompressionMethod

  package init(compression: CompressionMethod) { self.compression = compression }

  /// - Throws: `StoreError`.
  package func run(on repository: Repository) throws -> ConfigurationOutcome {
    ConfigurationOutcome(configuration: try repository.changeCompression(to: compression))
  }
}

package struct ConfigurationOutcome: Sendable {
  package let configuration: RepositoryConfiguration

  /// The document `configuration`.
  package var json: JSON {
    .object([
      "id": .string("\(configuration.id)"),
      "created": .string(configuration.created.rfc3339),
      "chunkSizeBytes": .integer(Int64(configuration.chunkSizeBytes)),
      "encrypted": .bool(configuration.isEncrypted),
      "compression": .string("\(configuration.compression)"),
    ])
  }
}
