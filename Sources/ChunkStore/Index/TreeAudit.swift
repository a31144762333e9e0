/// Goes through a tree and checks that it is one: pages of the right kind on every level, keys that
/// ascend and lie between those of the branches above.
///
/// LMDB trusts its file, and dies of a bad page or writes where it should not. So whoever is about to
/// let LMDB change a tree audits what it will touch first.
struct TreeAudit {
  private let tree: IndexTree
  private let memory = PageMemory()
  private var last: [UInt8]?
  private var branchPages: UInt64 = 0
  private var leafPages: UInt64 = 0

  init(_ tree: IndexTree) { self.tree = tree }

  /// Visits all nodes of leaves in the order of keys, until `visit` returns false.
  ///
  /// - Parameter visitPage: told of every page on the way, by its number.
  mutating func run(
    visitingPages visitPage: (UInt64, IndexPage) throws(LMDBError) -> Void = { _, _ in },
    visitingNodes visit: (IndexPage.Node) throws(LMDBError) -> Bool
  ) throws(LMDBError) {
    guard tree.root.depth > 0 else { return }
    let isWhole = try walk(
      tree.root.page, level: 0, below: nil, visitPage: visitPage, visit: visit)
    guard isWhole else { return }
    guard branchPages == tree.root.branchPages, leafPages == tree.root.leafPages else {
      throw .damage("a tree does not have as many pages as its root says")
    }
  }

  private mutating func walk(
    _ number: UInt64, level: Int, below end: UnsafeRawBufferPointer?,
    visitPage: (UInt64, IndexPage) throws(LMDBError) -> Void,
    visit: (IndexPage.Node) throws(LMDBError) -> Bool
  ) throws(LMDBError) -> Bool {
    let isLeaf = level == tree.root.depth - 1
    let page = try tree.page(number, isLeaf: isLeaf, memory[level])
    try visitPage(number, page)
    if isLeaf { leafPages += 1 } else { branchPages += 1 }
    for position in 0..<page.count {
      let node = try page.node(position)
      guard isLeaf else {
        if position > 0 { try expectAbove(node.key) }
        let next = position + 1 < page.count ? try page.node(position + 1).key : end
        guard
          try walk(
            node.child, level: level + 1, below: next, visitPage: visitPage, visit: visit)
        else { return false }
        continue
      }
      try expectAscent(to: node.key, below: end)
      guard try visit(node) else { return false }
    }
    return true
  }

  /// The key of a branch is above all keys before it.
  private func expectAbove(_ key: UnsafeRawBufferPointer) throws(LMDBError) {
    let isAbove = last?.withUnsafeBytes { tree.order.isBelow($0, key) } ?? true
    guard isAbove else { throw .damage("keys do not ascend") }
  }

  private mutating func expectAscent(
    to key: UnsafeRawBufferPointer, below end: UnsafeRawBufferPointer?
  ) throws(LMDBError) {
    try expectAbove(key)
    if let end, !tree.order.isBelow(key, end) { throw .damage("a key is on the wrong page") }
    if last?.count == key.count {
      last?.withUnsafeMutableBytes { $0.copyBytes(from: key) }
    } else {
      last = Array(key)
    }
  }
}
