package import FileIO
package import SystemPackage

/// The reason why a source cannot be opened or read, or why the bytes that were read are not a
/// volume.
package struct VolumeSourceError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    case notFound
    case permissionDenied
    /// A directory, a socket, a terminal or a character device.
    case notAVolume
    case openFailed
    case readFailed
    /// A pipe was asked for bytes other than the next ones.
    case outOfOrder
    /// The source grew or shrank while it was read.
    case sizeChanged
    /// The name now leads to another file or device, or to nothing.
    case replaced
  }

  package let code: Code
  /// The source, as the user wrote it.
  package let source: String
  /// The offset at which reading failed.
  package let offsetBytes: UInt64?
  package let errno: Errno?
  package let description: String

  private init(
    _ code: Code, _ source: String, offsetBytes: UInt64? = nil, errno: Errno? = nil,
    _ description: String
  ) {
    self.code = code
    self.source = source
    self.offsetBytes = offsetBytes
    self.errno = errno
    self.description = description
  }
}

extension VolumeSourceError {
  private static let snapshotAdvice =
    "stop the program that writes to it, or back up a snapshot (LVM, ZFS, Ceph, virsh snapshot-create)"

  static func cannotOpen(_ source: String, _ errno: Errno) -> Self {
    let code: Code =
      switch errno {
      case .noSuchFileOrDirectory: .notFound
      case .permissionDenied, .notPermitted: .permissionDenied
      default: .openFailed
      }
    return Self(
      code, source, errno: errno, "cannot open \(source) to back it up: \(errno.explanation)")
  }

  static func notAVolume(_ source: String, found: String) -> Self {
    Self(
      .notAVolume, source,
      "cannot back up \(source): it is \(found); "
        + "a volume is a raw image file, a block device or a pipe")
  }

  static func readFailed(_ source: String, at offsetBytes: UInt64, _ errno: Errno) -> Self {
    Self(
      .readFailed, source, offsetBytes: offsetBytes, errno: errno,
      "cannot read \(source) at offset \(offsetBytes): \(errno.explanation)")
  }

  /// - Parameter reason: the reason, for sources whose errors are not system errors.
  package static func readFailed(
    _ source: String, at offsetBytes: UInt64, reason: String
  ) -> Self {
    Self(
      .readFailed, source, offsetBytes: offsetBytes,
      "cannot read \(source) at offset \(offsetBytes): \(reason)")
  }

  static func outOfOrder(_ source: String, wanted: UInt64, position: UInt64) -> Self {
    Self(
      .outOfOrder, source, offsetBytes: wanted,
      "cannot read \(source) at offset \(wanted): it is a pipe, now at offset \(position)")
  }

  static func sizeChanged(_ source: String, from before: UInt64, to after: UInt64) -> Self {
    Self(
      .sizeChanged, source,
      "the size of \(source) changed from \(before) to \(after) bytes during the backup; "
        + snapshotAdvice)
  }

  static func endedEarly(_ source: String, at offsetBytes: UInt64, sizeBytes: UInt64) -> Self {
    Self(
      .sizeChanged, source, offsetBytes: offsetBytes,
      "\(source) ended at offset \(offsetBytes) during the backup, but had \(sizeBytes) bytes "
        + "at its start; " + snapshotAdvice)
  }

  static func replaced(_ source: String, by found: String) -> Self {
    Self(
      .replaced, source,
      "\(source) was replaced during the backup: the name now refers to \(found); "
        + snapshotAdvice)
  }
}

extension FileKind {
  /// The kind with an article, for messages: "it is …".
  package var phrase: String {
    switch self {
    case .file: "a file"
    case .directory: "a directory"
    case .symbolicLink: "a symbolic link"
    case .blockDevice: "a block device"
    case .characterDevice: "a character device"
    case .pipe: "a pipe"
    case .socket: "a socket"
    }
  }
}
