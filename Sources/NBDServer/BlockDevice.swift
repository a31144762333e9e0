import NBDProtocol
package import NIOCore
package import VolumeMap
package import VolumeReader

/// One opened export, shared by its connections.
///
/// Ranges are never empty and lie within the device. An error that is thrown reaches the client
/// with its description, so that should name volume, offset and pack: as the code of a
/// ``DeviceError``, as EIO for any other.
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

  /// What can be written; nil for a device whose content never changes.
  var writer: (any BlockDeviceWriting)? { get }

  /// The contexts of the server's own that `queries` name, in their order, each once; those that
  /// are not known are left out. At most 16 queries come, all within the namespace `varve:`.
  ///
  /// A bare `varve:`, which only LIST_META_CONTEXT asks for, stands for what there is, at most 64
  /// of it. Blocks; called on a thread for that.
  func contexts(matching queries: [String]) throws -> [ExportContext]

  /// Called once, after the last connection has left. Blocks; called on a thread for that.
  func close()
}

extension BlockDevice {
  package var writer: (any BlockDeviceWriting)? { nil }

  package func contexts(matching queries: [String]) throws -> [ExportContext] { [] }
}

/// The writing side of a device.
///
/// All of it but ``isQuick(_:)`` blocks and is called on threads for that, several calls at once, also
/// for ranges that overlap. Ranges are never empty and lie within the device.
package protocol BlockDeviceWriting: Sendable {
  /// Whether writing a range costs little more than copying it, as a rule. Such writes of one connection
  /// are made by one thread in a row, and answered together. Called on an event loop.
  func isQuick(_ range: Range<UInt64>) -> Bool

  /// At least one byte, at most ``ServerConnection/pieceBytes`` of them.
  func write(_ bytes: ByteBuffer, at offsetBytes: UInt64) throws

  /// The range reads as zeros afterwards.
  ///
  /// - Parameter mayTrim: when false, space stays allocated for it (NBD_CMD_FLAG_NO_HOLE).
  func zero(_ range: Range<UInt64>, mayTrim: Bool) throws

  /// The range reads as zeros afterwards where that gives space back; elsewhere it may do nothing.
  func trim(_ range: Range<UInt64>) throws

  /// Everything whose call returned before this one began is durable when this returns.
  func sync() throws
}

extension BlockDeviceWriting {
  package func isQuick(_ range: Range<UInt64>) -> Bool { false }
}

/// A device's refusal that has an NBD error of its own (proto.md, "Error values").
package struct DeviceError: Error, CustomStringConvertible {
  package enum Code: Sendable {
    /// ENOSPC: what was to be written finds no room.
    case noSpace
    /// EIO.
    case inputOutput
    /// ENOTSUP, in answer to a fast zero that would not be fast; EIO in answer to anything else.
    case notSupported
  }

  package let code: Code
  package let description: String

  package init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
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
  /// False: every connection that opens it has a device of its own, and one that can be written is
  /// not said to be fit for several connections (NBD_FLAG_CAN_MULTI_CONN).
  package var isShared: Bool
  /// A word for the log about what was opened.
  package var notice: String?

  package init(
    canonicalName: String, description: String, device: any BlockDevice, isShared: Bool = true
  ) {
    self.canonicalName = canonicalName
    self.description = description
    self.device = device
    self.isShared = isShared
  }
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
  /// Every call gives a device of its own, which the caller closes: one that turns out to be open
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
