import FileIO
import SystemPackage

/// Files and directories in memory, by number. A node without a name stays while somebody may have it
/// open.
struct SimulatedTree: Sendable {
  enum Node: Sendable {
    case file([UInt8])
    case directory([String: Int])
  }

  /// Where a name stands.
  struct Slot: Hashable, Sendable {
    let directory: Int
    let name: String
  }

  static let root = 0

  var nodes: [Int: Node] = [root: .directory([:])]
  private(set) var nextNumber = 1

  func file(_ number: Int) -> [UInt8]? {
    guard case .file(let bytes) = nodes[number] else { return nil }
    return bytes
  }

  func directory(_ number: Int) -> [String: Int]? {
    guard case .directory(let names) = nodes[number] else { return nil }
    return names
  }

  /// The node that `path` leads to, from the root whether it is absolute or not.
  func node(at path: FilePath) throws(Errno) -> Int {
    try node(at: Self.names(of: path)[...])
  }

  /// Where the last name of `path` stands, or would stand.
  func slot(of path: FilePath) throws(Errno) -> Slot {
    let names = Self.names(of: path)
    guard let name = names.last else { throw .fileExists }
    let directory = try node(at: names.dropLast())
    guard self.directory(directory) != nil else { throw .notDirectory }
    return Slot(directory: directory, name: String(name))
  }

  private func node(at path: ArraySlice<Substring>) throws(Errno) -> Int {
    var number = Self.root
    for name in path {
      guard let names = directory(number) else { throw .notDirectory }
      guard let next = names[String(name)] else { throw .noSuchFileOrDirectory }
      number = next
    }
    return number
  }

  /// Not `components`: without optimisation they take longer than all the rest of a crash test.
  private static func names(of path: FilePath) -> [Substring] {
    path.string.split(separator: "/").filter { $0 != "." }
  }

  subscript(slot: Slot) -> Int? {
    get { directory(slot.directory)?[slot.name] }
    set {
      guard case .directory(var names) = nodes[slot.directory] else { return }
      // The dictionary is changed in place: it must not be referenced twice meanwhile.
      nodes[slot.directory] = .directory([:])
      names[slot.name] = newValue
      nodes[slot.directory] = .directory(names)
    }
  }

  /// The number of a node that is to be made.
  mutating func takeNumber() -> Int {
    defer { nextNumber += 1 }
    return nextNumber
  }

  /// Writes into a file, which grows where needed.
  mutating func write(_ bytes: [UInt8], at offset: Int, to number: Int) {
    guard case .file(var content) = nodes[number] else { return }
    nodes[number] = .file([])
    content.write(bytes, at: offset)
    nodes[number] = .file(content)
  }

  /// Bytes in all files that have a name.
  var usedBytes: Int {
    var sum = 0
    for case .directory(let names) in nodes.values {
      for number in names.values { sum += file(number)?.count ?? 0 }
    }
    return sum
  }
}

extension [UInt8] {
  /// Puts `bytes` at `offset`; a gap before them is filled with zeros.
  mutating func write(_ bytes: [UInt8], at offset: Int) {
    if offset == 0, bytes.count >= count {
      self = bytes
      return
    }
    if count < offset { append(contentsOf: repeatElement(0, count: offset - count)) }
    replaceSubrange(offset..<Swift.min(offset + bytes.count, count), with: bytes)
  }
}
