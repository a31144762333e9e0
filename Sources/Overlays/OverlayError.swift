import ChunkStore
package import FileIO
package import Remedies
import VolumeReader

/// Why an overlay could not do what was asked: which overlay, volume or file, what was expected and
/// found.
package struct OverlayError: RemediedError, CustomStringConvertible {
  /// The kinds of failure a caller tells apart.
  package enum Code: Sendable, Hashable {
    /// The file system of the overlay is full, or the user's quota is used up.
    case noSpace
    /// Another process has the overlay open.
    case inUse
    /// There is no overlay with this name.
    case notFound
    /// Files of the overlay are damaged or missing.
    case damaged
    /// The overlay needs a newer program.
    case unsupported
    /// The overlay belongs to another repository.
    case wrongRepository
    /// The repository no longer has the revision of the overlay.
    case revisionGone
    /// The request contradicts itself or the rules of overlays.
    case invalidRequest
    /// The revision of the overlay could not be read.
    case unreadableBase
    /// A file system operation failed for another reason.
    case fileSystem
  }

  package let code: Code
  package let description: String
  package let cause: (any Error)?
  package let remedy: Remedy?

  package init(
    _ code: Code, _ message: String, cause: (any Error)? = nil, remedy: Remedy? = nil
  ) {
    self.code = code
    description = message
    self.cause = cause
    self.remedy = remedy
  }

  package init(_ error: FileError) {
    self.init(error.code == .noSpace ? .noSpace : .fileSystem, cause: error)
  }

  /// Says what `cause` says.
  init(_ code: Code, cause: any Error) {
    self.init(code, String(describing: cause), cause: cause)
  }
}

extension OverlayError: VolumeWriteFailure {
  package var isOutOfSpace: Bool { code == .noSpace }
}

/// Runs `body`. Converts file system errors to overlay errors.
func reportingFileErrors<Result>(
  _ body: () throws(FileError) -> Result
) throws(OverlayError) -> Result {
  do throws(FileError) {
    return try body()
  } catch {
    throw OverlayError(error)
  }
}

/// Runs `body`. Converts repository errors to overlay errors.
func reportingStoreErrors<Result>(
  _ body: () throws(StoreError) -> Result
) throws(OverlayError) -> Result {
  do throws(StoreError) {
    return try body()
  } catch {
    throw OverlayError(.fileSystem, cause: error)
  }
}
