/// A repository's keys as text to print and lock away (format, "Paper keys").
///
/// Ten lines of 8 bytes each: the line's number, four groups of four hexadecimal digits, and a check
/// of two digits over number and bytes, so that a mistyped line is found by its number. The 80 bytes
/// are repository id, id key and data key.
package enum PaperKey {
  private static let structure = "paper key"
  private static let lineBytes = 8
  private static let lineCount = 10
  private static let title = "varve paper key, version 1"

  /// The text, which is as secret as the keys.
  package static func encode(_ keys: RepositoryKeys, repository: RepositoryID) -> String {
    let secret =
      repository.bytes + keys.idKey.withUnsafeBytes { Array($0) }
      + keys.dataKey.withUnsafeBytes { Array($0) }
    var lines = [title]
    for number in 0..<lineCount {
      let bytes = Array(secret[number * lineBytes..<(number + 1) * lineBytes])
      let groups = stride(from: 0, to: lineBytes, by: 2).map { hex(bytes[$0..<$0 + 2]) }
      let label = number < 9 ? " \(number + 1)" : "\(number + 1)"
      lines.append(
        "\(label): \(groups.joined(separator: " "))  \(hex([check(bytes, number: number)]))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Reads the text back; spaces, case and blank lines do not matter.
  ///
  /// - Throws: ``FormatError``: `.corrupt` naming the line that is mistyped or missing,
  ///   `.unsupported` for another version, `.wrongRepository` where it is of another than
  ///   `repository`.
  package static func decode(
    _ text: String, repository: RepositoryID
  ) throws(FormatError) -> RepositoryKeys {
    let lines = text.split(whereSeparator: \.isNewline)
      .map { String($0.filter { !$0.isWhitespace }).lowercased() }.filter { !$0.isEmpty }
    guard let first = lines.first, first == title.filter({ $0 != " " }) else {
      throw FormatError(
        .unsupported, in: structure, "expected '\(title)' as the first line, found another")
    }
    guard lines.count == lineCount + 1 else {
      throw .corrupt(
        structure, expected: "\(lineCount) numbered lines", found: "\(lines.count - 1)")
    }
    var secret: [UInt8] = []
    for number in 0..<lineCount {
      secret += try decodeLine(lines[number + 1], number: number)
    }
    let named = RepositoryID(bytes: Array(secret[..<RepositoryID.lengthBytes]))
    guard named == repository else {
      throw FormatError(
        .wrongRepository, in: structure, "is of repository \(named), not of \(repository)")
    }
    return secret.withUnsafeBytes { secret in
      let (start, length) = (RepositoryID.lengthBytes, RepositoryKeys.keyBytes)
      return RepositoryKeys(
        idKey: SecretBytes(copying: secret.part(start..<start + length)),
        dataKey: SecretBytes(copying: secret.part(start + length..<start + 2 * length)))
    }
  }

  private static func decodeLine(_ line: String, number: Int) throws(FormatError) -> [UInt8] {
    let parts = line.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "\(number + 1)",
      let bytes = Hexadecimal.decode(parts[1]), bytes.count == lineBytes + 1,
      bytes[lineBytes] == check(Array(bytes[..<lineBytes]), number: number)
    else {
      throw .corrupt(
        structure, expected: "line \(number + 1) as it was printed", found: "a mistyped line")
    }
    return Array(bytes[..<lineBytes])
  }

  private static func check(_ bytes: [UInt8], number: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: Checksum(of: bytes + [UInt8(number)]).low)
  }

  private static func hex(_ bytes: some Collection<UInt8>) -> String {
    Array(bytes).withUnsafeBytes { Hexadecimal.encode($0) }
  }
}
