import ArgumentParser

/// A size as people write it: `128KiB`, `4MiB`, `1.5GiB`, `64K`, or bytes.
struct ByteSize: Equatable, Sendable {
  private(set) var bytes: UInt64

  private static let units: [(names: Set<String>, shift: UInt64)] = [
    (["", "b"], 0), (["k", "kib"], 10), (["m", "mib"], 20), (["g", "gib"], 30),
    (["t", "tib"], 40), (["p", "pib"], 50),
  ]

  init(bytes: UInt64) { self.bytes = bytes }

  /// Reads a size; nil for what is none, is no whole number of bytes, or
  /// reaches 2^63 bytes.
  /// Units are binary; decimal ones (`MB`) are refused rather than guessed at.
  init?(_ text: some StringProtocol) {
    let digits = text.prefix { "0"..."9" ~= $0 || $0 == "." }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    guard let shift = Self.units.first(where: { $0.names.contains(unit) })?.shift,
      1...2 ~= parts.count, let whole = UInt64(parts[0]), whole <= UInt64(Int64.max) >> shift
    else { return nil }
    bytes = whole << shift
    guard parts.count == 2 else { return }
    // Three decimals keep the product within 64 bits.
    guard shift > 0, let decimals = UInt64(parts[1]), parts[1].count <= 3 else { return nil }
    let scale: UInt64 = [10, 100, 1000][parts[1].count - 1]
    guard (decimals << shift).isMultiple(of: scale) else { return nil }
    bytes += (decimals << shift) / scale
  }
}

extension ByteSize: ExplainedArgument {
  static let expectation = "bytes, or a size in binary units such as 512KiB or 20GiB (no KB, no GB)"

  init?(argument: String) { self.init(argument) }

  var defaultValueDescription: String { description }
}

extension ByteSize: CustomStringConvertible {
  /// The largest unit that divides it: `128KiB`.
  var description: String {
    let names = ["", "KiB", "MiB", "GiB", "TiB", "PiB"]
    let index = bytes == 0 ? 0 : min(bytes.trailingZeroBitCount / 10, names.count - 1)
    return "\(bytes >> UInt64(index * 10))\(names[index])"
  }
}
