internal import CCrypto

/// A repository's keys as text, to be printed and locked away (format, "Paper keys").
///
/// After the title come ten lines of 8 bytes each: the line number, four groups of four hexadecimal
/// digits, and a check of four digits, which shows that a line is mistyped. To compute the check,
/// append one byte, the line's index from 0, to the 8 bytes. The check is the low 16 bits, low byte
/// first, of the XXH3-128 of these 9 bytes. The 80 bytes are repository id, id key and data key.
/// The text is an ordinary string and is not wiped, since it is meant to be printed.
package enum PaperKey {
  private static let structure = "paper key"
  private static let lineBytes = 8
  private static let checkBytes = 2
  private static let secretBytes = RepositoryID.lengthBytes + 2 * RepositoryKeys.keyBytes
  private static let lineCount = 10
  private static let idKeyOffset = RepositoryID.lengthBytes
  private static let dataKeyOffset = idKeyOffset + RepositoryKeys.keyBytes
  private static let title = "varve paper key, version 1"

  /// Returns the text. It is as secret as the keys.
  package static func encode(_ keys: RepositoryKeys, repository: RepositoryID) -> String {
    let secret = SecretBytes(count: secretBytes) { secret in
      repository.bytes.withUnsafeBytes { secret.store($0, at: 0) }
      keys.idKey.withUnsafeBytes { secret.store($0, at: idKeyOffset) }
      keys.dataKey.withUnsafeBytes { secret.store($0, at: dataKeyOffset) }
    }
    let lines = secret.withUnsafeBytes { secret in
      (0..<lineCount).map { number in
        encodeLine(secret.part(number * lineBytes..<(number + 1) * lineBytes), number: number)
      }
    }
    return ([title] + lines).joined(separator: "\n") + "\n"
  }

  private static func encodeLine(_ bytes: UnsafeRawBufferPointer, number: Int) -> String {
    let groups = stride(from: 0, to: lineBytes, by: 2).map {
      Hexadecimal.encode(bytes.part($0..<$0 + 2))
    }
    let check = withUnsafeBytes(of: check(bytes, number: number).littleEndian) {
      Hexadecimal.encode($0)
    }
    let label = number < 9 ? " \(number + 1)" : "\(number + 1)"
    return "\(label): \(groups.joined(separator: " "))  \(check)"
  }

  /// Whether `text` begins with the title of a paper key.
  package static func isOne(_ text: String) -> Bool {
    significantLines(of: text).first == title.filter { $0 != " " }
  }

  /// Reads the text back; spaces, case and blank lines do not matter.
  ///
  /// - Throws: ``FormatError``: `.corrupt` with the number of the first mistyped line, or with the
  ///   number of lines if it is not ten; `.unsupported` for another first line, such as the title
  ///   of another version; `.wrongRepository` if the key does not belong to `repository`.
  package static func decode(
    _ text: String, repository: RepositoryID
  ) throws(FormatError) -> RepositoryKeys {
    let lines = significantLines(of: text)
    guard isOne(text) else {
      throw FormatError(
        .unsupported, in: structure, "expected '\(title)' as the first line, found another")
    }
    guard lines.count == lineCount + 1 else {
      throw .corrupt(
        structure, expected: "\(lineCount) numbered lines", found: "\(lines.count - 1)")
    }
    let secret = try SecretBytes(count: secretBytes) { secret throws(FormatError) in
      for number in 0..<lineCount {
        let bytes = UnsafeMutableRawBufferPointer(
          rebasing: secret[number * lineBytes..<(number + 1) * lineBytes])
        try decodeLine(lines[number + 1], number: number, into: bytes)
      }
    }
    return try secret.withUnsafeBytes { secret throws(FormatError) in
      let named = RepositoryID(bytes: Array(secret.part(0..<idKeyOffset)))
      guard named == repository else {
        throw FormatError(
          .wrongRepository, in: structure, "is of repository \(named), not of \(repository)")
      }
      return RepositoryKeys(
        idKey: SecretBytes(copying: secret.part(idKeyOffset..<dataKeyOffset)),
        dataKey: SecretBytes(copying: secret.part(dataKeyOffset..<secretBytes)))
    }
  }

  private static func significantLines(of text: String) -> [String] {
    text.split(whereSeparator: \.isNewline)
      .map { String($0.filter { !$0.isWhitespace }).lowercased() }.filter { !$0.isEmpty }
  }

  private static func decodeLine(
    _ line: String, number: Int, into output: UnsafeMutableRawBufferPointer
  ) throws(FormatError) {
    let parts = line.split(separator: ":", omittingEmptySubsequences: false)
    let isAsPrinted = withUnsafeTemporaryAllocation(
      byteCount: lineBytes + checkBytes, alignment: 8
    ) { typed in
      defer { OPENSSL_cleanse(typed.baseAddress, typed.count) }
      guard parts.count == 2, parts[0] == "\(number + 1)",
        Hexadecimal.decode(parts[1], into: typed)
      else { return false }
      let bytes = UnsafeRawBufferPointer(typed).part(0..<lineBytes)
      output.copyMemory(from: bytes)
      return typed.load(fromByteOffset: lineBytes, as: UInt16.self).littleEndian
        == check(bytes, number: number)
    }
    guard isAsPrinted else {
      throw .corrupt(
        structure, expected: "line \(number + 1) as it was printed", found: "a mistyped line")
    }
  }

  private static func check(_ bytes: UnsafeRawBufferPointer, number: Int) -> UInt16 {
    withUnsafeTemporaryAllocation(byteCount: lineBytes + 1, alignment: 8) { line in
      defer { OPENSSL_cleanse(line.baseAddress, line.count) }
      line.store(bytes, at: 0)
      line.storeInteger(UInt8(number), at: lineBytes)
      return UInt16(truncatingIfNeeded: Checksum(of: UnsafeRawBufferPointer(line)).low)
    }
  }
}
