import ChunkFormat

/// Why a sequence of bytes is not accepted as a new passphrase: the prompt, a file, a command and the
/// environment could not all give the very same bytes, so it would open the repository here and not
/// there.
enum PassphraseFault: Error, Equatable, CustomStringConvertible {
  case empty
  case byteOrderMark
  case zeroByte
  case carriageReturn
  case secondLine
  case tooLong(bytes: Int)

  /// What a terminal takes as one line, without its end (n_tty(4): 4,096 with it).
  static let limitBytes = 4095

  /// - Parameter passphrase: without the end of its line.
  init?(in passphrase: SecretBytes) {
    let fault: PassphraseFault? = passphrase.withUnsafeBytes { bytes in
      if bytes.isEmpty { return .empty }
      if bytes.starts(with: [0xef, 0xbb, 0xbf]) { return .byteOrderMark }
      if bytes.contains(0) { return .zeroByte }
      if bytes.contains(UInt8(ascii: "\n")) { return .secondLine }
      if bytes.contains(UInt8(ascii: "\r")) { return .carriageReturn }
      return bytes.count > Self.limitBytes ? .tooLong(bytes: bytes.count) : nil
    }
    guard let fault else { return nil }
    self = fault
  }

  var description: String {
    switch self {
    case .empty: "the passphrase is empty"
    case .byteOrderMark:
      "the passphrase begins with a byte order mark (EF BB BF), which cannot be typed; save the file "
        + "as UTF-8 without it"
    case .zeroByte:
      "the passphrase contains a zero byte; if it is a file of random bytes, use it as a key file"
    case .carriageReturn: "the passphrase contains a carriage return, which cannot be typed"
    case .secondLine: "the passphrase has a second line; only one line is expected"
    case .tooLong(let bytes):
      "the passphrase has \(bytes) bytes; at most \(Self.limitBytes) can be typed at a terminal"
    }
  }
}
