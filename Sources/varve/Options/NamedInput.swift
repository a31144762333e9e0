import ChunkFormat

/// An input that can be given a name: `vda=/dev/vg0/db`, or `/dev/vg0/db` alone.
///
/// What stands before the first `=` is a name where it can be one; a path that contains `=` is
/// written with a directory in front, such as `./a=b`.
struct NamedInput: Equatable, Sendable {
  let name: String?
  let path: String

  init(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let isNamed = parts.count == 2 && Name.isValid(String(parts[0]))
    name = isNamed ? String(parts[0]) : nil
    path = isNamed ? String(parts[1]) : text
  }

  /// The last component of the path.
  var fileName: String { String(path.split(separator: "/").last ?? "") }
}
