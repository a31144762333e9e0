package import CalendarTime
package import JSONText

/// A file system of a volume of a revision that was mounted.
package struct MountedDirectory: Sendable {
  package enum State: String, Sendable {
    case mounted
    /// Files that the kernel does not hold in memory give errors.
    case serverGone = "server gone"
    /// Someone else has unmounted it; what is left of it is there still.
    case notMounted = "not mounted"
  }

  /// What of the volume is mounted, where it is not all of it.
  package enum Part: Equatable, Sendable {
    /// Counted from 1.
    case partition(Int)
    /// `vg0/root`, as it is called on the disk.
    case logicalVolume(String)
  }

  /// Nil where the volume was made a device, and not mounted.
  package let directory: String?
  /// With job, whole id and volume.
  package let volume: String
  package let repository: String
  package let created: Timestamp
  package let state: State
  package var part: Part?
  /// Of the file system; nil where it is not known.
  package var type: String?
  package var isReadOnly = true
  /// The block device under the file system.
  package var device: String?

  package init(
    _ directory: String?, volume: String, repository: String, created: Timestamp, state: State
  ) {
    (self.directory, self.volume, self.repository) = (directory, volume, repository)
    (self.created, self.state) = (created, state)
  }

  /// The document `mounted-directory`, an element of `mounts`.
  package var json: JSON {
    var (partition, logicalVolume): (JSON, JSON) = (.null, .null)
    switch part {
    case .partition(let number): partition = .integer(Int64(number))
    case .logicalVolume(let name): logicalVolume = .string(name)
    case nil: break
    }
    return .object([
      "directory": .optional(directory),
      "volume": .string(volume),
      "repository": .string(repository),
      "partition": partition,
      "logicalVolume": logicalVolume,
      "type": .optional(type),
      "readOnly": .bool(isReadOnly),
      "device": .optional(device),
      "created": .string(created.rfc3339),
      "state": .string(state.rawValue),
    ])
  }
}

extension [MountedDirectory] {
  /// The document `mounts`.
  package var json: JSON { .array(map(\.json)) }
}

/// A directory that was unmounted, with its server.
package struct UnmountedDirectory: Sendable {
  package let directory: String
  /// With job, whole id and volume.
  package let volume: String
  package let repository: String

  package let notices: [Notice]

  package init(directory: String, volume: String, repository: String, notices: [Notice] = []) {
    (self.directory, self.volume, self.repository) = (directory, volume, repository)
    self.notices = notices
  }

  /// The document `unmounted-directory`.
  package var json: JSON {
    .object([
      "directory": .string(directory), "volume": .string(volume),
      "repository": .string(repository),
    ])
  }
}
