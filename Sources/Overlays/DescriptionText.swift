import ChunkFormat

/// A few lines that describe a file or directory, for this program and for people:
///
/// ```
/// varve overlay 1
/// revision 5f70…
/// volume vda 107374182400
/// checksum <XXH3-128 of all lines before>
/// ```
///
/// The title ends with the version. A value extends to the end of its line.
struct DescriptionText: Equatable, Sendable {
  static let maximumBytes = 64 << 10
  private static let checksumKey = "checksum"

  struct Field: Equatable, Sendable {
    let key: String
    let value: String
  }

  let title: String
  private(set) var fields: [Field] = []

  init(title: String) { self.title = title }

  mutating func add(_ key: String, _ value: some CustomStringConvertible) {
    fields.append(Field(key: key, value: value.description))
  }

  var encoded: [UInt8] {
    let lines = [title] + fields.map { "\($0.key) \($0.value)" }
    let text = lines.map { $0 + "\n" }.joined()
    return Array((text + Self.checksumLine(of: text)).utf8)
  }

  /// Decodes the text. Zeros may follow it.
  ///
  /// - Parameter subject: the name of the file in errors.
  /// - Throws: ``OverlayError`` with `.damaged`, or `.unsupported` for another version.
  init(_ bytes: [UInt8], title: String, in subject: String) throws(OverlayError) {
    self.title = title
    let content = bytes.prefix { $0 != 0 }
    guard let text = String(validating: content, as: UTF8.self) else {
      throw OverlayError(.damaged, "\(subject): expected '\(title)', found other bytes")
    }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard lines.popLast() == "", let first = lines.first, let last = lines.popLast() else {
      throw OverlayError(.damaged, "\(subject): expected '\(title)', found other bytes")
    }
    try Self.check(first, against: title, in: subject)
    let described = lines.map { $0 + "\n" }.joined()
    guard last + "\n" == Self.checksumLine(of: described) else {
      throw OverlayError(
        .damaged,
        "\(subject): checksum mismatch; the file was damaged or changed by hand")
    }
    fields = lines.dropFirst().map { line in
      let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
      return Field(key: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : "")
    }
  }

  /// Returns all values of `key`, in order.
  func values(of key: String) -> [String] {
    fields.filter { $0.key == key }.map(\.value)
  }

  /// Returns the only value of `key`, converted by `parse`.
  ///
  /// - Throws: ``OverlayError`` with `.damaged`.
  func value<Value>(
    of key: String, in subject: String, _ parse: (String) -> Value?
  ) throws(OverlayError) -> Value {
    let found = values(of: key)
    guard found.count == 1, let value = parse(found[0]) else {
      throw OverlayError(
        .damaged, "\(subject): expected '\(key)' once, found \(found.isEmpty ? "none" : "\(found)")"
      )
    }
    return value
  }

  private static func checksumLine(of text: String) -> String {
    "\(checksumKey) \(Checksum(of: Array(text.utf8)))\n"
  }

  private static func check(
    _ found: String, against title: String, in subject: String
  ) throws(OverlayError) {
    guard found != title else { return }
    let kind = title.prefix { !$0.isNumber }
    guard found.hasPrefix(kind), UInt64(found.dropFirst(kind.count)) != nil else {
      throw OverlayError(
        .damaged, "\(subject): expected '\(title)', found '\(found.prefix(80).debugDescription)'")
    }
    throw OverlayError(
      .unsupported,
      "\(subject): expected '\(title)', found '\(found)'; use a newer version of varve")
  }
}
