/// The verbs on single objects, all that the session protocol needs.
///
/// Reads and lists that begin after a change was answered see it. Each object is there whole or not at all.
package protocol ConditionalObjectStorage: Sendable {
  /// All bytes of an object, and their version; nil where there is no such object.
  ///
  /// - Throws: ``StorageError`` with `.tooLarge` where there are more than `limitBytes`, before they are read.
  func find(_ key: ObjectKey, limitBytes: Int) throws(StorageError) -> VersionedBytes?

  /// Some of the names of an area's objects, in ascending order from the first one after `name` on.
  func page(of area: ObjectArea, after name: String) throws(StorageError) -> ObjectPage

  /// Puts an object in one step, durably, if the condition holds. Of several puts under a condition at once,
  /// one wins. A client that removes an object knows that no put waits any more whose condition is its
  /// version.
  ///
  /// - Parameters:
  ///   - bytes: the whole content of the object.
  ///   - key: the area and the name of the object.
  ///   - condition: what must be true of the object when it is put.
  ///   - age: the time since the client began to read what the put relies on. A storage that sends requests
  ///     dates them from then, so that they are refused if they arrive too late.
  /// - Returns: the version of `bytes`; nil where the condition does not hold.
  /// - Throws: ``StorageError``: `.unanswered` where nobody knows whether it was put, or will be.
  func put(
    _ bytes: [UInt8], as key: ObjectKey, if condition: PutCondition, age: Duration
  ) throws(StorageError) -> ObjectVersion?

  /// Removes an object, whatever its version.
  ///
  /// - Returns: false if there is no such object.
  func remove(_ key: ObjectKey) throws(StorageError) -> Bool
}

/// When a put is to be applied.
package enum PutCondition: Hashable, Sendable {
  /// No object has the name.
  case absent
  /// The object exists and has this version.
  case version(ObjectVersion)
  /// Whatever is there.
  case always
}

package struct VersionedBytes: Equatable, Sendable {
  package let bytes: [UInt8]
  package let version: ObjectVersion

  package init(_ bytes: [UInt8], _ version: ObjectVersion) {
    self.bytes = bytes
    self.version = version
  }
}

package struct ObjectPage: Equatable, Sendable {
  package let names: [String]
  /// Whether there may be more after the last one. Then there is one.
  package let hasMore: Bool

  package init(_ names: [String], hasMore: Bool) {
    self.names = names
    self.hasMore = hasMore
  }
}
