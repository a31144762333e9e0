import ChunkFormat

/// Checks pages before LMDB changes them, or all there are.
struct IndexAudit {
  private let file: IndexFile
  private let state: IndexFile.State
  private let memory = PageMemory()
  /// Pages that were checked.
  private var sound: Set<UInt64> = []
  private var soundTables: Set<IndexTable> = []

  /// - Parameter state: the newest; nobody else writes.
  init(_ file: IndexFile, _ state: IndexFile.State) { (self.file, self.state) = (file, state) }

  private func tree(_ table: IndexTable) -> IndexTree {
    IndexTree(state.root(table), state.snapshot, file)
  }

  // MARK: - Before a change

  /// The tree of tables, and the list of free pages, which every transaction reads.
  mutating func beginTransaction() throws(LMDBError) {
    var pages = PageSet(lastPage: state.snapshot.lastPage)
    try audit(IndexTree(state.snapshot.main, state.snapshot, file), &pages)
    try auditFreePages(&pages)
  }

  /// The pages on the way to a key, which LMDB reads when it looks for it, and copies when it adds a
  /// value.
  mutating func path(to key: UnsafeRawBufferPointer, in table: IndexTable) throws(LMDBError) {
    let tree = tree(table)
    guard tree.root.depth > 0, !soundTables.contains(table) else { return }
    var number = tree.root.page
    for level in 0..<tree.root.depth {
      let isLeaf = level == tree.root.depth - 1
      let page = try tree.page(number, isLeaf: isLeaf, memory[level])
      if sound.insert(number).inserted { try page.checkLayout() }
      guard !isLeaf else { return try values(under: key, page, tree) }
      number = try page.node(page.positionOfChild(for: key, .bytes)).child
    }
  }

  private func values(
    under key: UnsafeRawBufferPointer, _ page: IndexPage, _ tree: IndexTree
  ) throws(LMDBError) {
    let position = try page.position(of: key, .bytes)
    guard position < page.count else { return }
    let node = try page.node(position)
    guard !KeyOrder.bytes.isBelow(key, node.key) else { return }
    var pages = PageSet(lastPage: state.snapshot.lastPage)
    try audit(values: node, tree, &pages)
  }

  /// A whole table, in which something is to be removed: LMDB joins pages then.
  mutating func whole(_ table: IndexTable) throws(LMDBError) {
    guard !soundTables.contains(table) else { return }
    var pages = PageSet(lastPage: state.snapshot.lastPage)
    try audit(tree(table), &pages)
    soundTables.insert(table)
  }

  // MARK: - All

  /// Everything: every page is used once or free, and every value is what was written.
  mutating func all() throws(LMDBError) {
    var pages = PageSet(lastPage: state.snapshot.lastPage)
    try audit(IndexTree(state.snapshot.main, state.snapshot, file), &pages)
    for table in IndexTable.allCases {
      try audit(tree(table), &pages)
      try tree(table).forEach { key, value throws(LMDBError) in
        _ = try ValueCheck.content(of: value, key: key, in: table)
        return true
      }
    }
    try auditFreePages(&pages)
  }

  private func audit(_ tree: IndexTree, _ pages: inout PageSet) throws(LMDBError) {
    var audit = TreeAudit(tree)
    var values: UInt64 = 0
    var used = pages
    try audit.run(
      visitingPages: { number, page throws(LMDBError) in
        try used.insert(number)
        try page.checkLayout()
      },
      visitingNodes: { node throws(LMDBError) in
        values += try self.audit(values: node, tree, &used)
        return true
      })
    pages = used
    guard values == tree.root.entries else {
      throw .damage("a tree has \(values) values where \(tree.root.entries) should be")
    }
  }

  /// - Returns: how many values the node has.
  @discardableResult
  private func audit(
    values node: IndexPage.Node, _ tree: IndexTree, _ pages: inout PageSet
  ) throws(LMDBError) -> UInt64 {
    guard tree.root.flags & TreeRoot.severalValues != 0,
      node.flags & IndexPage.Node.hasSeveral != 0
    else { return 1 }
    guard node.flags & IndexPage.Node.isTree == 0 else {
      let values = try tree.valueTree(of: node)
      try audit(values, &pages)
      return values.root.entries
    }
    let page = try IndexPage(node.value, number: nil, isLeaf: true)
    try page.checkLayout()
    return UInt64(page.count)
  }

  // MARK: - Free pages

  /// The list of free pages, from which LMDB takes those that it writes.
  private func auditFreePages(_ pages: inout PageSet) throws(LMDBError) {
    let tree = IndexTree(state.snapshot.free, state.snapshot, file, .numbers)
    var audit = TreeAudit(tree)
    var used = pages
    var overflowPages: UInt64 = 0
    try audit.run(
      visitingPages: { number, page throws(LMDBError) in
        try used.insert(number)
        try page.checkLayout()
      },
      visitingNodes: { node throws(LMDBError) in
        guard node.key.count == 8,
          node.key.number(at: 0, as: UInt64.self) <= state.snapshot.transaction
        else { throw .damage("the list of free pages has a wrong key") }
        let list = try freePages(node, &used, &overflowPages)
        try Self.note(list, &used)
        return true
      })
    pages = used
    guard overflowPages == tree.root.overflowPages else {
      throw .damage("the list of free pages is not as long as it says")
    }
  }

  private func freePages(
    _ node: IndexPage.Node, _ used: inout PageSet, _ overflowPages: inout UInt64
  ) throws(LMDBError) -> [UInt64] {
    guard node.valueBytes % 8 == 0, node.valueBytes > 0 else {
      throw .damage("a list of free pages has a wrong length")
    }
    switch node.flags {
    case 0:
      return (0..<node.valueBytes / 8).map { node.value.number(at: 8 * $0, as: UInt64.self) }
    case IndexPage.Node.inOverflow:
      let first = node.value.number(at: 0, as: UInt64.self)
      let size = UInt64(IndexSnapshot.pageBytes)
      let count = (UInt64(IndexPage.headerBytes + node.valueBytes) + size - 1) / size
      guard first > 1, first <= state.snapshot.lastPage,
        count <= state.snapshot.lastPage - first + 1
      else { throw .damage("a list of free pages is outside of the file") }
      for number in first..<first + count { try used.insert(number) }
      overflowPages += count
      return try read(first, count, words: node.valueBytes / 8)
    default: throw .damage("a list of free pages is of an unknown kind")
    }
  }

  private func read(
    _ first: UInt64, _ count: UInt64, words: Int
  ) throws(LMDBError) -> [UInt64] {
    let header = memory[0]
    try file.readPage(first, into: header)
    let bytes = UnsafeRawBufferPointer(header)
    guard IndexPage.kind(bytes) == IndexPage.overflow,
      bytes.number(at: 0, as: UInt64.self) == first,
      bytes.number(at: 12, as: UInt32.self) == UInt32(count)
    else { throw .damage("page \(first) is not an overflow page") }
    var list = [UInt64](repeating: 0, count: words)
    let outcome = list.withUnsafeMutableBytes { list in
      Result { () throws(LMDBError) in
        try file.readBytes(
          at: first * UInt64(IndexSnapshot.pageBytes) + UInt64(IndexPage.headerBytes), into: list)
      }
    }
    try outcome.get()
    return list
  }

  /// The first word tells how many follow, the highest first.
  private static func note(_ list: [UInt64], _ used: inout PageSet) throws(LMDBError) {
    guard list[0] < UInt64(list.count) else { throw .damage("a list of free pages is too short") }
    var last = UInt64.max
    for number in list.dropFirst().prefix(Int(list[0])) {
      guard number < last else { throw .damage("free pages are out of order") }
      last = number
      try used.insert(number)
    }
  }
}

/// Pages, each of which may be there once.
struct PageSet {
  private let lastPage: UInt64
  private var words: [UInt64]

  init(lastPage: UInt64) {
    self.lastPage = lastPage
    words = []
  }

  mutating func insert(_ page: UInt64) throws(LMDBError) {
    guard page > 1, page <= lastPage else { throw .damage("there is no page \(page)") }
    let (word, bit) = (Int(page / 64), UInt64(1) << (page % 64))
    if word >= words.count {
      words += Array(repeating: 0, count: word + 1 - words.count)
    }
    guard words[word] & bit == 0 else { throw .damage("page \(page) is used twice") }
    words[word] |= bit
  }
}

/// What stands behind every value of the index: four bytes of a checksum of table, key and value. A
/// flipped bit makes an entry that is missing or damaged, never another entry.
enum ValueCheck {
  static let lengthBytes = 4

  static func checksum(
    _ table: IndexTable, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
  ) -> UInt32 {
    withUnsafeTemporaryAllocation(byteCount: 1 + key.count + value.count, alignment: 8) { bytes in
      bytes[0] = table.rawValue
      UnsafeMutableRawBufferPointer(rebasing: bytes[1...]).copyBytes(from: key)
      UnsafeMutableRawBufferPointer(rebasing: bytes[(1 + key.count)...]).copyBytes(from: value)
      return Checksum(of: UnsafeRawBufferPointer(bytes)).short
    }
  }

  /// The value without its checksum.
  ///
  /// - Throws: ``LMDBError`` where they do not agree.
  static func content(
    of stored: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, in table: IndexTable
  ) throws(LMDBError) -> UnsafeRawBufferPointer {
    guard stored.count > lengthBytes else { throw .damage("a value is too short") }
    let value = UnsafeRawBufferPointer(rebasing: stored.dropLast(lengthBytes))
    guard stored.number(at: value.count, as: UInt32.self) == checksum(table, key: key, value: value)
    else { throw .damage("a value is not what was written") }
    return value
  }
}
