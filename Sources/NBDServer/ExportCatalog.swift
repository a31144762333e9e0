package import VolumeReader

/// An export in the list of exports.
package struct ExportListing: Sendable, Equatable {
  /// The name with which a client opens the export. At most 4,096 bytes of UTF-8.
  package var name: String
  /// Helps a person to choose: time, size, tags. The server sends at most the first 1,024 bytes.
  package var description: String

  package init(name: String, description: String) {
    self.name = name
    self.description = description
  }
}

/// An export that was opened by name.
package struct OpenedExport: Sendable {
  /// The unique name of this content. Connections that open the same canonical name share one
  /// volume.
  package var canonicalName: String
  package var description: String
  /// The content. Clients can write to it if it is a `WritableVolume`.
  package var volume: any ReadableVolume
  /// The export's own contexts. Nil if it has none.
  package var contexts: (any ExportContexts)?
  /// Whether connections share the volume. If false, every connection that opens the export has its
  /// own volume, and a writable export does not advertise NBD_FLAG_CAN_MULTI_CONN.
  package var isShared: Bool
  /// A message for the log about the opened export.
  package var notice: String?
  /// Closes the volume. Called once, after its last use. Blocks.
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

  /// The volume, if clients can write to it.
  package var writer: (any WritableVolume)? { volume as? any WritableVolume }
}

/// There is no export with this name. The reason goes only to the log, because it may contain
/// something that the client must not know.
package struct NoSuchExport: Error {
  package let reason: String

  package init(_ reason: String) { self.reason = reason }
}

/// The exports of a server. Every call blocks and runs on a thread of a pool. Several calls may run
/// at once.
package protocol ExportCatalog: Sendable {
  /// Returns all exports that exist now.
  func list() throws -> [ExportListing]

  /// Opens an export by any of its names. The empty name is the default export. If there is no such
  /// export, returns nil or throws ``NoSuchExport`` with a reason.
  ///
  /// Every call returns a new volume, which the caller closes. If the same content is already open,
  /// the server closes the new volume at once and the connection shares the open one.
  func open(_ name: String) throws -> OpenedExport?

  /// Opens again the content that ``open(_:)`` has opened as `name` before. This works even if the
  /// name now stands for other content, or the content is not exported any more.
  ///
  /// - Throws: ``NoSuchExport`` if the content is gone.
  func reopen(_ name: String, as canonicalName: String) throws -> OpenedExport?
}

extension ExportCatalog {
  /// The implementation for a catalogue whose names always stand for the same content.
  package func reopen(_ name: String, as canonicalName: String) throws -> OpenedExport? {
    try open(canonicalName)
  }
}
