import ChunkFormat

/// Why a record could not be had. Which volume wants it, and where, is added by who asked.
struct RecordFailure: Error, CustomStringConvertible {
  let code: VolumeReadError.Code
  let id: ContentID
  let pack: FileDigest?
  let message: String

  private init(
    _ code: VolumeReadError.Code, _ id: ContentID, _ pack: FileDigest?, _ message: String
  ) {
    self.code = code
    self.id = id
    self.pack = pack
    self.message = message
  }

  /// No pack has a copy.
  static func missing(_ id: ContentID) -> RecordFailure {
    RecordFailure(.missing, id, nil, "record \(id) is in no pack")
  }

  /// Where copies are could not be found out.
  static func unlocated(_ id: ContentID, _ cause: any Error) -> RecordFailure {
    RecordFailure(.unreadable, id, nil, "record \(id) cannot be looked up: \(cause)")
  }

  /// The pack could not be read.
  static func unreadable(_ location: RecordLocation, _ cause: any Error) -> RecordFailure {
    RecordFailure(
      .unreadable, location.entry.id, location.pack,
      "record \(location.entry.id) cannot be read: \(cause)")
  }

  /// What the pack holds is not the record.
  static func damaged(_ location: RecordLocation, _ reason: some Any) -> RecordFailure {
    RecordFailure(
      .damaged, location.entry.id, location.pack,
      "record \(location.entry.id) is damaged: \(reason)")
  }

  /// A delta whose base failed with `cause`.
  static func base(of location: RecordLocation, _ cause: RecordFailure) -> RecordFailure {
    RecordFailure(
      cause.code, location.entry.id, cause.pack ?? location.pack,
      "record \(location.entry.id) is a delta, and its base cannot be had: \(cause.message)")
  }

  var description: String { message }
}
