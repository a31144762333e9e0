import NBDProtocol
import NIOCore

/// What libFuzzer calls with every input that it makes up.
///
/// ```
/// u8 settings | u8 how the stream is cut | u8 order of completions | u8 even: bytes, odd: script
/// ```
///
/// The rest is the stream, or the ``Script`` of one.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let input = UnsafeBufferPointer(start: start, count: count)
  guard input.count > 4 else { return 0 }
  let settings = Settings(rawValue: input[0])
  var driver = Driver(settings, sliceBytes: Int(input[1]) * 16 + 1, order: Int(input[2]))
  let rest = Array(input[4...])
  if input[3].isMultiple(of: 2) {
    driver.run(rest)
  } else {
    var script = Script(rest, settings)
    driver.run(script.stream())
  }
  return 0
}

/// What kind of server and client an input is about.
struct Settings: OptionSet {
  let rawValue: UInt8

  static let isWritable = Settings(rawValue: 1 << 0)
  static let hasNarrowWindow = Settings(rawValue: 1 << 1)
  static let offersTLS = Settings(rawValue: 1 << 2)
  static let requiresTLS = Settings(rawValue: 1 << 3)
  /// The stream begins with a request, behind a handshake that succeeded.
  static let isInTransmission = Settings(rawValue: 1 << 4)
  static let hasExtendedHeaders = Settings(rawValue: 1 << 5)
  static let hasStructuredReplies = Settings(rawValue: 1 << 6)
  /// The server shuts down in the middle of the stream.
  static let shutsDown = Settings(rawValue: 1 << 7)
}
