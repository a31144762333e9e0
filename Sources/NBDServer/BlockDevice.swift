package import VolumeMap
package import VolumeReader

/// One opened export, shared by its connections. Its content never changes.
///
/// Ranges are never empty and lie within the device. An error that is thrown reaches the client
/// as EIO with the error's description, so that should name volume, offset and pack.
package protocol BlockDevice: Sendable {
  /// Exact to the byte; never changes.
  var sizeBytes: UInt64 { get }

  /// Pieces that tile the range in ascending order, nil when any of it is not at hand.
  ///
  /// Called on an event loop: it must neither block nor decompress.
  func cachedContent(of range: Range<UInt64>) -> [VolumePiece]?

  /// Pieces that tile the range in ascending order. Blocks; called on a thread for that.
  func content(of range: Range<UInt64>) throws -> [VolumePiece]

  /// Extents that tile the range from its lower bound, ascending, neighbours of one kind merged.
  /// At most `limit`; may stop early, but not before the first. Blocks; called on a thread for
  /// that.
  func allocation(of range: Range<UInt64>, limit: Int) throws -> [AllocationExtent]

  /// Called once, after the last connection has left. Blocks; called on a thread for that.
  func close()
}

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
  /// share one device.
  package var canonicalName: String
  package var description: String
  package var device: any BlockDevice

  package init(canonicalName: String, description: String, device: any BlockDevice) {
    self.canonicalName = canonicalName
    self.description = description
    self.device = device
  }
}

/// What a server offers. Every call blocks and is made on a thread for that; several at once.
package protocol ExportCatalog: Sendable {
  /// Every export, as of now.
  func list() throws -> [ExportListing]

  /// Opens an export by any name that stands for it, nil when there is none. The empty name is
  /// the default export.
  ///
  /// Every call gives a device of its own, which the caller closes: one that turns out to be open
  /// already is closed at once, and the connection shares the other.
  func open(_ name: String) throws -> OpenedExport?
}
