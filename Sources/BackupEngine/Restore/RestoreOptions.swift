/// How a volume is restored.
package struct RestoreOptions: Sendable {
  /// The bytes to write in place of damaged content, at least one byte, repeated over each gap.
  /// Nil: stop at the first damage.
  package var fillPattern: [UInt8]?
  /// Whether to read the target back and compare it with the revision.
  package var verifies = false

  package init() {}
}

/// The result of a restore.
package struct RestoreReport: Sendable {
  /// A range with the fill pattern instead of content.
  package struct Gap: Sendable {
    package let offsetBytes: UInt64
    package let lengthBytes: UInt64
    package let pack: String?
    package let message: String
  }

  package var sizeBytes: UInt64 = 0
  /// The bytes of content written. The rest of the volume is zeros and gaps.
  package var dataBytes: UInt64 = 0
  package var gaps: [Gap] = []
  /// Whether the target was read back and is equal to the revision, except for the gaps.
  package var isVerified = false
}
