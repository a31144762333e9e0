package import ChunkFormat
package import FileIO
package import ObjectStorage
package import Remedies

/// Why the store could not do what was asked: which file or record is concerned, what was expected
/// and found.
package struct StoreError: RemediedError {
  /// The kinds of failure a caller tells apart.
  package enum Code: Equatable, Sendable {
    /// There is no repository at the place named.
    case notARepository
    /// Something is already there that must not be overwritten.
    case alreadyExists
    /// No such revision, key or record.
    case notFound
    /// Bytes are not what they should be.
    case damaged
    /// A newer program is needed.
    case unsupported
    /// No key slot opens with what was given, or something was given where nothing is needed.
    case wrongKey
    /// The request contradicts itself or the repository's rules.
    case invalidRequest
    /// A pin keeps the revision that was to be forgotten.
    case pinned
    /// Somebody else is at what only one may do at a time.
    case busy
    /// The file system has no room.
    case noSpace
    /// The file system is mounted so that nothing can be written to it.
    case readOnly
    /// The file system refused for another reason.
    case fileSystem
    /// The index cannot be used; what it says can be found out from the packs.
    case index
    /// LMDB finds the index damaged; the store makes it anew before a caller gets to see this.
    case damagedIndex
  }

  package let code: Code
  package let message: String
  /// The pack concerned, where it is one.
  package let pack: PackID?
  /// The error that led to this one; the message tells what it said.
  package let cause: (any Error)?
  /// What helps, besides what helps against the cause.
  package let remedy: Remedy?
  /// Whether nothing was wrong but that this process may not write there, or nobody may.
  package let isRefusal: Bool
  /// Whether nothing can be written down: it is refused, or there is no room.
  package var preventsWriting: Bool { isRefusal || code == .noSpace }

  package init(
    _ code: Code, _ message: String, pack: PackID? = nil, cause: (any Error)? = nil,
    remedy: Remedy? = nil
  ) {
    self.init(
      code, message, pack: pack, cause: cause, remedy: remedy, isRefusal: code == .readOnly)
  }

  private init(
    _ code: Code, _ message: String, pack: PackID? = nil, cause: (any Error)?,
    remedy: Remedy? = nil, isRefusal: Bool
  ) {
    self.code = code
    self.message = message
    self.pack = pack
    self.cause = cause
    self.remedy = remedy
    self.isRefusal = isRefusal
  }

  package init(_ error: FileError) {
    let code: Code =
      switch error.code {
      case .noSpace: .noSpace
      case .readOnly: .readOnly
      case _ where error.isOfHeldLock: .busy
      default: .fileSystem
      }
    self.init(
      code, error.description + error.explanationOfNoSpace, cause: error,
      isRefusal: [.readOnly, .permissionDenied].contains(error.code))
  }

  package init(_ error: StorageError) {
    let code: Code =
      switch error.code {
      case .noSpace: .noSpace
      case .readOnly: .readOnly
      case .lockHeld: .busy
      case .occupied: .alreadyExists
      default: .fileSystem
      }
    let isMissing = error.isOfRequiredArea
    self.init(
      code,
      isMissing
        ? "the directory \(error.place) is missing"
        : error.description + error.explanation,
      cause: error, remedy: isMissing ? .restoreDirectory : nil,
      isRefusal: [.readOnly, .permissionDenied].contains(error.code))
  }

  /// Whether what was wanted is damaged or missing; else nobody could look.
  package var isDamage: Bool { code == .damaged || code == .notFound }

  /// Something wrong in the file or record that `subject` names.
  package init(_ error: FormatError, in subject: String, pack: PackID? = nil) {
    let code: Code =
      switch error.code {
      case .corrupt, .wrongRepository: .damaged
      case .unsupported: .unsupported
      case .wrongKey: .wrongKey
      case .invalidValue: .invalidRequest
      case .libraryFailure: .fileSystem
      }
    self.init(code, "\(subject): \(error)", pack: pack, cause: error)
  }
}

extension StoreError: CustomStringConvertible {
  package var description: String { message }
}

/// Runs `body`; what the file system refuses becomes the store's error.
package func reportingFileErrors<Result>(
  _ body: () throws(FileError) -> Result
) throws(StoreError) -> Result {
  do throws(FileError) {
    return try body()
  } catch {
    throw StoreError(error)
  }
}

/// Runs `body`; what the storage refuses becomes the store's error.
package func reportingStorageErrors<Result>(
  _ body: () throws(StorageError) -> Result
) throws(StoreError) -> Result {
  do throws(StorageError) {
    return try body()
  } catch {
    throw StoreError(error)
  }
}

/// Runs `body`; what is wrong with the format of `subject` becomes the store's error.
package func reportingFormatErrors<Result>(
  of subject: @autoclosure () -> String, pack: PackID? = nil,
  _ body: () throws(FormatError) -> Result
) throws(StoreError) -> Result {
  do throws(FormatError) {
    return try body()
  } catch {
    throw StoreError(error, in: subject(), pack: pack)
  }
}
