import ChunkFormat

/// Why a record could not be had. Which volume wants it, and where, is added by who asked.
struct RecordFailure: Error {
  let code: VolumeReadError.Code
  let pack: FileDigest?
  let message: String

  /// What the store or the format said.
  init(_ cause: any Error) {
    code = (cause as? FormatError)?.code == .corrupt ? .damaged : .unreadable
    pack = nil
    message = "\(cause)"
  }
}
