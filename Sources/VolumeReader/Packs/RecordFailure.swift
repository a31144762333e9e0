import ChunkFormat
import ChunkStore

/// Why a record could not be had. Which volume wants it, and where, is added by who asked.
struct RecordFailure: Error {
  let code: VolumeReadError.Code
  let pack: PackID?
  let cause: any Error

  var message: String { "\(cause)" }

  /// What the store, or the format of what it gave, said.
  init(_ cause: any Error) {
    self.cause = cause
    if let error = cause as? StoreError {
      pack = error.pack
      code =
        switch error.code {
        case .damaged: .damaged
        case .notFound: .missing
        default: .unreadable
        }
    } else {
      pack = nil
      code = (cause as? FormatError)?.code == .corrupt ? .damaged : .unreadable
    }
  }
}
