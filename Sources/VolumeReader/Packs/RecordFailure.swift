import ChunkFormat
import ChunkStore

/// Why a record could not be read. The reader adds the volume and the offset.
struct RecordFailure: Error {
  let code: VolumeReadError.Code
  let pack: PackID?
  let cause: any Error

  var message: String { "\(cause)" }

  /// Converts an error of the store or of the record format.
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
