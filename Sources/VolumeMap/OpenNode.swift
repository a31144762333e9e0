import ChunkFormat

/// A node that a builder has not completed.
struct OpenNode {
  enum Content {
    /// Built child by child.
    case built(MapNode)
    /// Taken over from the parent's map, and not read so far.
    case adopted(ContentID)
  }

  let position: NodePosition
  private(set) var content: Content

  init(position: NodePosition, content: Content) {
    self.position = position
    self.content = content
  }

  var isAdopted: Bool {
    if case .adopted = content { true } else { false }
  }

  /// Enters a child.
  ///
  /// - Precondition: the node is being built.
  mutating func set(_ id: ContentID, at index: Int) {
    guard case .built(var node) = content else {
      preconditionFailure("a child for a node that was adopted")
    }
    // The node must not be shared while it is changed, or all its children are copied.
    content = .adopted(.hole)
    node.children[index] = id
    content = .built(node)
  }
}
