import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore
import FileIO
import LocalDevices

/// Reads arguments that are names, so that a wrong one is refused before anything is touched.
enum NameArgument {
  static func job(_ text: String) throws -> String { try checked(text, "a job") }

  static func tag(_ text: String) throws -> String { try checked(text, "a tag") }

  static func time(_ text: String) throws -> TimeExpression {
    guard let time = TimeExpression(text) else {
      throw ValidationError(
        "Expected a day such as 2026-11-20 or a time such as 2026-11-20T14:30[:15][Z|+01:00], found "
          + "'\(text)'.")
    }
    return time
  }

  static func overlay(_ text: String) throws -> String { try checked(text, "an overlay") }

  static func revision(_ text: String) throws -> RevisionReference {
    try checkText(text)
    do throws(ReferenceError) {
      return try RevisionReference(text)
    } catch {
      throw ValidationError(error.description)
    }
  }

  /// - Throws: `ValidationError` where one of them names a volume.
  static func checkWhole(_ references: [RevisionReference]) throws {
    if let reference = references.first(where: { $0.volume != nil }) {
      throw ValidationError(
        "'\(reference.text)' names a volume; name the revision without /VOLUME.")
    }
  }

  static func kernelDevice(_ text: String) throws -> KernelDevice {
    guard let device = KernelDevice(path: text) else {
      throw ValidationError("Expected a device such as /dev/nbd0, found '\(text)'.")
    }
    return device
  }

  /// What is kept or looked up as text, or a path that a library takes as text.
  static func text(_ text: String) throws -> String {
    try checkText(text)
    return text
  }

  static func checkText(_ text: String) throws {
    if text.hasEscapedBytes {
      throw ValidationError("'\(text.showingEscapedBytes)' is not UTF-8.")
    }
  }

  private static func checked(_ text: String, _ kind: String) throws -> String {
    try checkText(text)
    guard Name.isValid(text) else {
      throw ValidationError("'\(text)' is not a valid name for \(kind): \(Name.rule).")
    }
    return text
  }
}
