/// How a volume is restored.
package struct RestoreOptions: Sendable {
  /// What to put where content is damaged, repeated over each gap, at least one byte; nil to stop at
  /// the first damage.
  package var fillPattern: [UInt8]?
  /// Whether to read the target back and compare it with the revision.
  package var verifies = false

  package init() {}
}

/// What a restore did.
package struct RestoreReport: Sendable {
  /// A stretch that holds the fill pattern in place of content.
  package struct Gap: Sendable {
    package let offsetBytes: UInt64
    package let lengthBytes: UInt64
    package let pack: String?
    package let message: String
  }

  package var sizeBytes: UInt64 = 0
  /// Content written; the rest is zeros.
  package var dataBytes: UInt64 = 0
  package var gaps: [Gap] = []
  /// Whether the target was read back and is what the revision says, but for the gaps.
  package var isVerified = false
}
