import Glibc
package import SystemPackage

/// Text that represents any bytes: a file name may be invalid UTF-8, but a `String` must be valid.
///
/// A byte that is not part of a UTF-8 character becomes the private-use code point U+10FE00 plus
/// the byte. If the bytes already contain such a code point, each of its bytes is replaced in the
/// same way. So every sequence of bytes has one text, and no two sequences have the same text.
/// Python uses other code points for the same purpose (PEP 383).
extension String {
  private static let escapes: ClosedRange<UInt32> = 0x10_fe80...0x10_feff
  private static let escapeBase: UInt32 = 0x10_fe00

  /// The text of `bytes`. UTF-8 without the code points above is not changed.
  package init(escaping bytes: some Collection<UInt8>) {
    if let text = String(validating: bytes, as: UTF8.self), !text.hasEscapedBytes {
      self = text
      return
    }
    self = ""
    var rest = Array(bytes)[...]
    while let byte = rest.first {
      if let scalar = Self.firstScalar(of: rest), !Self.escapes.contains(scalar.value) {
        unicodeScalars.append(scalar)
        rest = rest.dropFirst(UTF8.width(scalar))
      } else {
        unicodeScalars.append(Unicode.Scalar(Self.escapeBase + UInt32(byte)) ?? "\u{fffd}")
        rest = rest.dropFirst()
      }
    }
  }

  /// The text of the bytes up to the first zero.
  package init(escapingCString start: UnsafePointer<CChar>) {
    let bytes = UnsafeBufferPointer(start: start, count: strlen(start))
    self.init(escaping: bytes.map(UInt8.init(bitPattern:)))
  }

  /// The original bytes, from which ``init(escaping:)`` made the text.
  package var unescapedBytes: [UInt8] {
    unicodeScalars.flatMap { scalar in
      Self.escapes.contains(scalar.value)
        ? [UInt8(truncatingIfNeeded: scalar.value)] : Array(String(scalar).utf8)
    }
  }

  /// Whether the text represents bytes that are not UTF-8.
  package var hasEscapedBytes: Bool {
    unicodeScalars.contains { Self.escapes.contains($0.value) }
  }

  /// The text for messages: a byte that is not UTF-8 is shown as `\xe4`.
  package var showingEscapedBytes: String {
    guard hasEscapedBytes else { return self }
    return unicodeScalars.reduce(into: "") { text, scalar in
      if Self.escapes.contains(scalar.value) {
        text += "\\x" + String(UInt8(truncatingIfNeeded: scalar.value), radix: 16)
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
  }

  /// Calls `body` with the bytes, followed by a zero.
  package func withUnescapedCString<Result, Failure: Error>(
    _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let bytes = (unescapedBytes + [0]).map(CChar.init(bitPattern:))
    return try bytes.withUnsafeBufferPointer { buffer throws(Failure) in
      guard let start = buffer.baseAddress else { preconditionFailure("there is a zero") }
      return try body(start)
    }
  }

  private static func firstScalar(of bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
    (1...4).lazy.compactMap {
      String(validating: bytes.prefix($0), as: UTF8.self)?.unicodeScalars.first
    }.first
  }
}

extension FilePath {
  /// The path with the bytes from which ``Swift/String/init(escaping:)`` made `text`.
  package init(escaped text: String) {
    self = text.withUnescapedCString { FilePath(platformString: $0) }
  }

  /// The path as text. ``init(escaped:)`` makes the same path from it, whatever its bytes are.
  package var escaped: String { withPlatformString { String(escapingCString: $0) } }

  /// The path of an entry of this directory; `name` is the name in its ``DirectoryEntry``.
  package func appending(entry name: String) -> FilePath {
    appending(FilePath(escaped: name).components)
  }

  /// The path without symbolic links, `.` and `..`; nil if it does not exist or cannot be followed.
  /// (realpath(3))
  package var resolved: FilePath? {
    guard let name = withPlatformString({ realpath($0, nil) }) else { return nil }
    defer { free(name) }
    return FilePath(platformString: name)
  }
}
