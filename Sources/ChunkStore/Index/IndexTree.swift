import Glibc

/// A tree of one snapshot, read without LMDB. Whatever the file holds, this ends with an answer or an
/// error: every place is checked before it is used, levels are counted, and keys must ascend.
struct IndexTree {
  let file: IndexFile
  let lastPage: UInt64
  let root: TreeRoot
  let order: KeyOrder

  init(_ root: TreeRoot, _ snapshot: IndexSnapshot, _ file: IndexFile, _ order: KeyOrder = .bytes) {
    self.init(root, lastPage: snapshot.lastPage, file, order)
  }

  private init(_ root: TreeRoot, lastPage: UInt64, _ file: IndexFile, _ order: KeyOrder) {
    (self.file, self.lastPage, self.root, self.order) = (file, lastPage, root, order)
  }

  /// Calls `body` with every value under `key`.
  func forEachValue(
    of key: UnsafeRawBufferPointer, _ memory: PageMemory,
    _ body: (UnsafeRawBufferPointer) throws(LMDBError) -> Void
  ) throws(LMDBError) {
    guard root.depth > 0 else { return }
    var number = root.page
    for level in 0..<root.depth - 1 {
      let page = try page(number, isLeaf: false, memory[level])
      number = try page.node(page.positionOfChild(for: key, order)).child
    }
    let page = try page(number, isLeaf: true, memory[root.depth - 1])
    let position = try page.position(of: key, order)
    guard position < page.count else { return }
    let node = try page.node(position)
    guard !order.isBelow(key, node.key) else { return }
    try forEachValue(of: node, body)
  }

  /// Calls `body` with every key and each of its values, in the order of keys, until it returns false.
  ///
  /// - Returns: whether it never did.
  @discardableResult
  func forEach(
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(LMDBError) -> Bool
  ) throws(LMDBError) -> Bool {
    var (count, goesOn) = (UInt64(0), true)
    var audit = TreeAudit(self)
    try audit.run(
      visitingNodes: { node throws(LMDBError) in
        try forEachValue(of: node) { value throws(LMDBError) in
          guard goesOn else { return }
          count += 1
          goesOn = try body(node.key, value)
        }
        return goesOn
      })
    guard !goesOn || count == root.entries else {
      throw .damage("a tree has \(count) values where \(root.entries) should be")
    }
    return goesOn
  }

  /// The values of a leaf's node, none of which is in overflow pages.
  func forEachValue(
    of node: IndexPage.Node, _ body: (UnsafeRawBufferPointer) throws(LMDBError) -> Void
  ) throws(LMDBError) {
    switch node.flags {
    case 0: try body(node.value)
    case IndexPage.Node.hasSeveral where root.flags & TreeRoot.severalValues != 0:
      let page = try IndexPage(node.value, number: nil, isLeaf: true)
      for position in 0..<page.count { try body(page.node(position).key) }
    case IndexPage.Node.hasSeveral | IndexPage.Node.isTree
    where root.flags & TreeRoot.severalValues != 0:
      try valueTree(of: node).forEach { value, _ throws(LMDBError) in
        try body(value)
        return true
      }
    default: throw .damage("a node has values of an unknown kind")
    }
  }

  /// The tree whose keys are the values of a node.
  func valueTree(of node: IndexPage.Node) throws(LMDBError) -> IndexTree {
    let root = try TreeRoot(node.value)
    guard root.flags & TreeRoot.severalValues == 0 else { throw .damage("trees within trees") }
    return IndexTree(root, lastPage: lastPage, file, .bytes)
  }

  func page(
    _ number: UInt64, isLeaf: Bool, _ memory: UnsafeMutableRawBufferPointer
  ) throws(LMDBError) -> IndexPage {
    guard number > 1, number <= lastPage else { throw .damage("there is no page \(number)") }
    try file.readPage(number, into: memory)
    return try IndexPage(UnsafeRawBufferPointer(memory), number: number, isLeaf: isLeaf)
  }
}

/// Memory for the pages on the way from a root to a leaf.
final class PageMemory {
  private var pages: [UnsafeMutableRawBufferPointer] = []

  deinit { for page in pages { page.deallocate() } }

  subscript(level: Int) -> UnsafeMutableRawBufferPointer {
    while pages.count <= level {
      pages.append(.allocate(byteCount: IndexSnapshot.pageBytes, alignment: 8))
    }
    return pages[level]
  }
}
