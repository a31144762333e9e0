import FileIO
import ObjectStorage
import SystemPackage

extension StorageError {
  init(_ error: FileError) {
    self.init(
      Code(error), at: error.path.string, cause: error, explanation: error.explanationOfNoSpace)
  }

  /// The directory of an area is not there.
  init(missing area: ObjectArea, at directory: FilePath, _ error: FileError) {
    self.init(.missingArea, at: directory.string, cause: error, missing: area)
  }
}

extension StorageError.Code {
  fileprivate init(_ error: FileError) {
    self =
      switch error.code {
      case _ where error.isOfHeldLock: .lockHeld
      case _ where error.isOfWrongKind: .wrongKind
      case _ where error.isOfClosedFile: .closed
      case _ where error.errno == .fileTooLarge: .tooLarge
      case .notFound: .notFound
      case .notDirectory: .notADirectory
      case .permissionDenied: .permissionDenied
      case .noSpace: .noSpace
      case .readOnly: .readOnly
      case .inputOutput: .unreadable
      default: .other
      }
  }
}

/// The reason why a repository cannot be created, in words.
struct Hindrance: Error, CustomStringConvertible {
  let description: String
}

/// Runs `body`, and converts errors of the file system to errors of the storage.
func reportingFileErrors<Result>(
  _ body: () throws(FileError) -> Result
) throws(StorageError) -> Result {
  do throws(FileError) {
    return try body()
  } catch {
    throw StorageError(error)
  }
}
