import ArgumentParser

/// Where a server is to listen: `127.0.0.1:10809`, `[::1]:10809`, `backup.example:0`.
struct ListenArgument: Equatable, Sendable {
  let host: String
  /// 0 lets the system choose.
  let port: Int

  /// Reads HOST:PORT; nil for anything else. An IPv6 address stands in brackets.
  init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...])
    else { return nil }
    var host = text[..<colon]
    let isBracketed = host.first == "[" && host.last == "]"
    if isBracketed { host = host.dropFirst().dropLast() }
    guard !host.isEmpty, host.contains(":") == isBracketed,
      !host.contains(where: { $0.isWhitespace || "[]/@".contains($0) })
    else { return nil }
    self.host = String(host)
    self.port = Int(port)
  }
}

extension ListenArgument: ExpressibleByArgument {
  init?(argument: String) { self.init(argument) }
}
