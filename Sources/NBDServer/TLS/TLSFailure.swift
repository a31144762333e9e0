// The order of the build decides which of these two modules `tm` belongs to.
import CCrypto
import Glibc
import NIOSSL

/// Readable texts for errors of the TLS library.
enum TLSFailure {
  /// The prefixes of BoringSSL's names for alerts from the other side.
  private static let alertMarks = ["SSLV3_ALERT_", "TLSV1_ALERT_"]

  /// Returns BoringSSL's name of the error without the source position, such as
  /// `UNSUPPORTED_PROTOCOL`. Nil if the error is not from BoringSSL.
  static func name(of error: any Error) -> String? {
    let stack: NIOBoringSSLErrorStack =
      switch error {
      case NIOSSLError.handshakeFailed(.sslError(let stack)): stack
      case BoringSSLError.sslError(let stack): stack
      case BoringSSLError.unknownError(let stack): stack
      default: []
      }
    guard let first = stack.first else { return nil }
    if first == .eofDuringHandshake { return "EOF" }
    return first.description.split(separator: " at ").first?.split(separator: ":").last
      .map(String.init)
  }

  static func reason(of error: any Error) -> String {
    guard let name = name(of: error) else { return String(describing: error) }
    if name == "EOF" { return "the client disconnected" }
    if let mark = alertMarks.first(where: name.hasPrefix) {
      return "the client refused the server: \(words(name.dropFirst(mark.count)))"
    }
    return words(name[...])
  }

  private static func words(_ name: Substring) -> String {
    name.lowercased().replacing("_", with: " ")
  }

  /// Formats a time in a certificate, such as `2026-11-28 15:04:05 UTC`.
  static func text(of moment: time_t) -> String {
    var (moment, civil) = (moment, tm())
    return gmtime_r(&moment, &civil) == nil ? "an unreadable date" : text(of: civil)
  }

  static func text(of civil: tm) -> String {
    var civil = civil
    var text = [CChar](repeating: 0, count: 64)
    let count = strftime(&text, text.count, "%Y-%m-%d %H:%M:%S UTC", &civil)
    return String(decoding: text.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
