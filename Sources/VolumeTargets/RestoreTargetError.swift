import FileIO
package import Remedies
import SystemPackage

/// Why a target is refused, or what went wrong while restoring to it.
package struct RestoreTargetError: RemediedError, Hashable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    case notFound
    /// The file exists, and the user did not ask to replace it.
    case alreadyExists
    case permissionDenied
    /// A directory, a socket or a terminal.
    case notATarget
    case tooSmall
    case mounted
    /// Open in another process, or used by another device.
    case inUse
    case readOnly
    case noSpace
    /// The storage has not answered for ``StorageProcess/patienceSeconds``.
    case stalled
    /// The reader of a pipe has closed it.
    case brokenPipe
    /// The next write to a pipe has the wrong offset, or a part of the volume is missing.
    case outOfOrder
    case openFailed
    case writeFailed
    case readFailed
    case synchronizeFailed
  }

  package let code: Code
  /// The target, as the user wrote it.
  package let target: String
  package let offsetBytes: UInt64?
  package let description: String
  package let remedy: Remedy?
  package var cause: (any Error)? { nil }

  private init(
    _ code: Code, _ target: String, offsetBytes: UInt64? = nil, _ description: String,
    remedy: Remedy? = nil
  ) {
    self.code = code
    self.target = target
    self.offsetBytes = offsetBytes
    self.description = description
    self.remedy = remedy
  }
}

// MARK: - Refusals

extension RestoreTargetError {
  static func alreadyExists(_ target: String) -> Self {
    Self(.alreadyExists, target, "\(target) already exists", remedy: .overwriteTarget)
  }

  static func inRepository(_ target: String) -> Self {
    Self(
      .notATarget, target,
      "cannot restore to \(target): it is inside the repository; name a file elsewhere"
    )
  }

  static func noSuchDirectory(_ target: String) -> Self {
    Self(
      .notATarget, target,
      "cannot restore to \(target): a path that ends with / is a directory; give a file name")
  }

  static func noSuchDevice(_ target: String) -> Self {
    Self(
      .notATarget, target,
      "there is no device \(target), and varve creates no files in /dev; check the name")
  }

  static func notATarget(_ target: String, found: String) -> Self {
    Self(
      .notATarget, target,
      "cannot restore to \(target): it is \(found); "
        + "a target is a file, a block device, a pipe or an NBD URI")
  }

  static func tooSmall(_ target: String, sizeBytes: UInt64, neededBytes: UInt64) -> Self {
    Self(
      .tooSmall, target,
      "\(target) is too small: it has \(sizeBytes) bytes, the volume has \(neededBytes)")
  }

  static func mounted(_ target: String, device: String, at mountPoint: String) -> Self {
    Self(
      .mounted, target,
      "cannot restore to \(target): \(device) is mounted at \(mountPoint); unmount it first")
  }

  static func inUse(_ target: String, by user: String) -> Self {
    Self(.inUse, target, "cannot restore to \(target): it is in use by \(user)")
  }

  static func readOnly(_ target: String) -> Self {
    Self(.readOnly, target, "cannot restore to \(target): it is read-only")
  }
}

// MARK: - Failures

extension RestoreTargetError {
  static func cannotOpen(_ target: String, _ errno: Errno) -> Self {
    let code: Code =
      switch errno {
      case .noSuchFileOrDirectory, .notDirectory: .notFound
      case .permissionDenied, .notPermitted: .permissionDenied
      case .readOnlyFileSystem: .readOnly
      case .noSpace, .diskQuotaExceeded: .noSpace
      case .resourceBusy: .inUse
      default: .openFailed
      }
    return Self(code, target, "cannot open \(target) to restore to it: \(errno.explanation)")
  }

  static func cannotConnect(_ target: String, _ reason: String) -> Self {
    Self(.openFailed, target, "cannot connect to \(target): \(reason)")
  }

  static func cannotResize(_ target: String, toBytes sizeBytes: UInt64, _ errno: Errno) -> Self {
    let isFull = errno == .noSpace || errno == .diskQuotaExceeded
    return Self(
      isFull ? .noSpace : .openFailed, target,
      "cannot resize \(target) to \(sizeBytes) bytes: \(errno.explanation); "
        + (isFull
          ? "its file system does not support holes, so zeros need space, too"
          : "its file system may not support files of that size"))
  }

  /// - Parameter isThinVolume: whether the target is a thin volume. If its pool is full, the kernel
  ///   reports EIO, not ENOSPC.
  static func writeFailed(
    _ target: String, at offsetBytes: UInt64, _ errno: Errno, isThinVolume: Bool = false
  ) -> Self {
    Self(
      code(of: errno, otherwise: .writeFailed), target, offsetBytes: offsetBytes,
      "cannot write \(target) at offset \(offsetBytes): \(errno.explanation)"
        + hint(errno, isThinVolume: isThinVolume))
  }

  /// - Parameter errno: the error that a server reported, if any.
  static func writeFailed(
    _ target: String, at offsetBytes: UInt64, _ reason: String, errno: Errno? = nil
  ) -> Self {
    Self(
      errno.map { code(of: $0, otherwise: .writeFailed) } ?? .writeFailed, target,
      offsetBytes: offsetBytes,
      "cannot write \(target) at offset \(offsetBytes): \(reason)\(errno.map { hint($0) } ?? "")")
  }

  private static func code(of errno: Errno, otherwise code: Code) -> Code {
    switch errno {
    case .brokenPipe: .brokenPipe
    case .noSpace, .diskQuotaExceeded: .noSpace
    case .timedOut: .stalled
    default: code
    }
  }

  /// Advice for the user; empty if there is none.
  private static func hint(_ errno: Errno, isThinVolume: Bool = false) -> String {
    switch errno {
    case .ioError where isThinVolume:
      "; it is a thin volume, so its pool is probably full (see 'lvs'): extend the pool, then restore again"
    case .brokenPipe: "; the reader has closed the pipe"
    case .noSpace:
      "; free space there, for example by extending its thin pool, then restore again"
    case .timedOut:
      "; it has not responded for \(StorageProcess.patienceSeconds / 60) minutes, as a full thin pool that "
        + "queues writes does; free space there, then restore again"
    case .noChildProcess: "; the process varve-storage was killed; restore again"
    default: ""
    }
  }

  static func readFailed(_ target: String, at offsetBytes: UInt64, _ reason: String) -> Self {
    Self(
      .readFailed, target, offsetBytes: offsetBytes,
      "cannot read \(target) back at offset \(offsetBytes): \(reason)")
  }

  static func synchronizeFailed(
    _ target: String, _ errno: Errno, isThinVolume: Bool = false
  ) -> Self {
    synchronizeFailed(target, errno.explanation, errno: errno, isThinVolume: isThinVolume)
  }

  /// - Parameter errno: the error that a server reported, if any.
  static func synchronizeFailed(
    _ target: String, _ reason: String, errno: Errno? = nil, isThinVolume: Bool = false
  ) -> Self {
    Self(
      errno.map { code(of: $0, otherwise: .synchronizeFailed) } ?? .synchronizeFailed, target,
      "cannot flush \(target) to disk, so part of the restored data may be lost: \(reason)"
        + (errno.map { hint($0, isThinVolume: isThinVolume) } ?? ""))
  }

  static func cannotReplace(_ target: String, _ error: FileError) -> Self {
    Self(.writeFailed, target, "cannot rename the restored file to \(target): \(error)")
  }

  static func outOfOrder(_ target: String, wanted: UInt64, position: UInt64) -> Self {
    Self(
      .outOfOrder, target, offsetBytes: wanted,
      "cannot write \(target) at offset \(wanted): it is a pipe, now at offset \(position)")
  }

  static func incomplete(_ target: String, position: UInt64, sizeBytes: UInt64) -> Self {
    Self(
      .outOfOrder, target, offsetBytes: position,
      "\(target) received only \(position) bytes of a volume of \(sizeBytes)")
  }

  static func notReadable(_ target: String) -> Self {
    Self(.readFailed, target, "cannot read \(target) back: it is a pipe")
  }

  static func notPrepared(_ target: String) -> Self {
    Self(.outOfOrder, target, "cannot use \(target): it has not been prepared, or was abandoned")
  }

  static func outOfBounds(_ target: String, at offsetBytes: UInt64, sizeBytes: UInt64) -> Self {
    Self(
      .outOfOrder, target, offsetBytes: offsetBytes,
      "cannot write \(target) at offset \(offsetBytes): the volume has \(sizeBytes) bytes")
  }
}
