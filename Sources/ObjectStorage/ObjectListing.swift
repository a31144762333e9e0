/// Something that a listing of an area found.
package struct ListedObject: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    /// An object of the area: its name is one that the area admits.
    case object
    /// A pack's name stands where nobody looks for that pack. The name of the key ends with `/` and the
    /// name of the pack.
    case misplaced
    /// What an interrupted write left, or somebody is about to finish.
    case unfinished
    /// Serves the storage itself, such as a lock.
    case auxiliary
    /// Anything else, such as a directory, or a file with a name that no object has.
    case other
  }

  package let key: ObjectKey
  package let kind: Kind

  package init(key: ObjectKey, kind: Kind) {
    self.key = key
    self.kind = kind
  }
}

/// Tells one content of an object from the next. Equal bytes may have equal versions.
package struct ObjectVersion: Sendable, Hashable {
  /// Means something only to the storage, such as an ETag.
  package let text: String

  package init(_ text: String) { self.text = text }
}

/// The versions of all objects of an area at one moment.
package struct AreaVersions: Sendable {
  package let versions: [String: ObjectVersion]
  /// As long as the area has this version, ``versions`` are right; nil where that cannot be told.
  package let area: ObjectVersion?

  package init(versions: [String: ObjectVersion], area: ObjectVersion?) {
    self.versions = versions
    self.area = area
  }
}

/// Bytes that are to be put under a name.
package struct NewObject: Sendable {
  package let name: String
  package let bytes: [UInt8]

  package init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }
}
