/// How a volume is restored.
package struct RestoreOptions: Sendable {
  /// Bytes to write in place of damaged content, repeated over each gap, at least one byte; nil to
  /// stop at the first damage.
  package var fillPattern: [UInt8]?
  /// Whether to read the target back and compare it with the revision.
  package var verifies = false

  package init() {}
}

/// What a restore did.
package struct RestoreReport: Sendable {
  /// A range that holds the fill pattern instead of content.
  package struct Gap: Sendable {
    package let offsetBytes: UInt64
    package let lengthBytes: UInt64
    package let pack: String?
    package let message: String
  }

  package var sizeBytes: UInt64 = 0
  /// Bytes of content written; the rest is zeros and gaps.
  package var dataBytes: UInt64 = 0
  package var gaps: [Gap] = []
  /// Whether the target was read back and equals the revision, apart from the gaps.
  package var isVerified = false
}
