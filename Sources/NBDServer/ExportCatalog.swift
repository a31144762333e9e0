package import VolumeReader

/// An export as LIST shows it.
package struct ExportListing: Sendable, Equatable {
  /// At most 4,096 bytes of UTF-8; as a client writes it.
  package var name: String
  /// For a person to choose by: time, size, tags. Sent up to its first 1,024 bytes.
  package var description: String

  package init(name: String, description: String) {
    self.name = name
    self.description = description
  }
}

/// An export that a client asked for by name.
package struct OpenedExport: Sendable {
  /// The one name that stands for this content: connections that open the same canonical name
  /// share one volume.
  package var canonicalName: String
  package var description: String
  /// Can be written to if it is a `WritableVolume`.
  package var volume: any ReadableVolume
  /// The contexts of the server's own; nil where there are none.
  package var contexts: (any ExportContexts)?
  /// False: every connection that opens it has a volume of its own, and one that can be written to is
  /// not said to be fit for several connections (NBD_FLAG_CAN_MULTI_CONN).
  package var isShared: Bool
  /// A word for the log about what was opened.
  package var notice: String?
  /// To be called once, when nobody uses the volume any more. Blocks.
  package var close: @Sendable () -> Void

  package init(
    canonicalName: String, description: String, volume: any ReadableVolume,
    contexts: (any ExportContexts)? = nil, isShared: Bool = true,
    close: @escaping @Sendable () -> Void = {}
  ) {
    self.canonicalName = canonicalName
    self.description = description
    self.volume = volume
    self.contexts = contexts
    self.isShared = isShared
    self.close = close
  }

  /// The volume, where it can be written to.
  package var writer: (any WritableVolume)? { volume as? any WritableVolume }
}

/// Why there is no export of a name. For the log alone: the reason may tell of what the client must
/// not know.
package struct NoSuchExport: Error {
  package let reason: String

  package init(_ reason: String) { self.reason = reason }
}

/// What a server offers. Every call blocks and is made on a thread for that; several at once.
package protocol ExportCatalog: Sendable {
  /// Every export, as of now.
  func list() throws -> [ExportListing]

  /// Opens an export by any name that stands for it. The empty name is the default export. When
  /// there is none: nil, or ``NoSuchExport`` with a reason.
  ///
  /// Every call gives a volume of its own, which the caller closes: one that turns out to be open
  /// already is closed at once, and the connection shares the other.
  func open(_ name: String) throws -> OpenedExport?

  /// Opens again what ``open(_:)`` has opened under `name` before, whatever the name has come to mean and
  /// whether it is exported still.
  ///
  /// - Throws: ``NoSuchExport`` where that is gone.
  func reopen(_ name: String, as canonicalName: String) throws -> OpenedExport?
}

extension ExportCatalog {
  /// For a catalogue whose names never change their meaning.
  package func reopen(_ name: String, as canonicalName: String) throws -> OpenedExport? {
    try open(canonicalName)
  }
}
