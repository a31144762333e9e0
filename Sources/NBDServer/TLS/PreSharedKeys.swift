import NIOCore
import NIOSSL

/// Users and their pre-shared keys. Each line has the form `user:key`, with the key in hexadecimal
/// digits. Empty lines and lines that begin with `#` are ignored.
struct PreSharedKeys: Sendable {
  /// The limits of BoringSSL.
  private static let keyLimitBytes = 256
  private static let userLimitBytes = 128
  /// A shorter key could be guessed from one recorded handshake.
  private static let shortestKeyBytes = 16

  private var keys: [String: NIOSSLSecureBytes] = [:]

  /// Reads the users and keys from the content of a file.
  ///
  /// - Throws: ``TLSError``, which names the line.
  init(_ file: TLSFile) throws(TLSError) {
    for (index, line) in file.text.split(
      omittingEmptySubsequences: false, whereSeparator: \.isNewline
    ).enumerated() where !line.isEmpty && !line.hasPrefix("#") {
      do throws(Malformation) {
        try add(line)
      } catch {
        throw TLSError(file: file.path, reason: "line \(index + 1): \(error.reason)")
      }
    }
    guard !keys.isEmpty else {
      throw TLSError(
        file: file.path,
        reason:
          "it contains no keys; expected lines such as alice:00112233445566778899aabbccddeeff; "
          + "'psktool --username alice --pskfile FILE' creates them")
    }
  }

  /// The names of the users, sorted.
  var users: [String] { keys.keys.sorted() }

  func key(of user: String) -> NIOSSLSecureBytes? { keys[user] }

  private struct Malformation: Error {
    let reason: String
  }

  private mutating func add(_ line: Substring) throws(Malformation) {
    guard let colon = line.lastIndex(of: ":"), colon > line.startIndex else {
      throw Malformation(reason: "expected USER:KEY, the key in hexadecimal digits")
    }
    let user = String(line[..<colon])
    guard user.utf8.count <= Self.userLimitBytes, !user.utf8.contains(0) else {
      throw Malformation(reason: "a user's name has at most \(Self.userLimitBytes) bytes")
    }
    guard let bytes = Self.bytes(line[line.index(after: colon)...].utf8) else {
      throw Malformation(reason: "the key of '\(user)' is not an even number of hexadecimal digits")
    }
    guard Self.shortestKeyBytes...Self.keyLimitBytes ~= bytes.count else {
      throw Malformation(
        reason: "the key of '\(user)' has \(bytes.count) bytes; expected "
          + "\(Self.shortestKeyBytes) to \(Self.keyLimitBytes)")
    }
    var key = NIOSSLSecureBytes()
    key.append(bytes)
    guard keys.updateValue(key, forKey: user) == nil else {
      throw Malformation(reason: "'\(user)' already has a key on an earlier line")
    }
  }

  private static func bytes(_ digits: Substring.UTF8View) -> [UInt8]? {
    let values = digits.map { Character(Unicode.Scalar($0)).hexDigitValue }
    guard values.count.isMultiple(of: 2), !values.contains(nil) else { return nil }
    let digits = values.compactMap { $0 }.map(UInt8.init)
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}
