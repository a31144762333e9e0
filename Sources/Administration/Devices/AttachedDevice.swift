package import JSONText

/// A volume of a revision that was made a block device.
package struct AttachedDevice: Sendable {
  /// A logical volume of LVM on the disk, which became a block device, too.
  package struct LogicalVolume: Sendable {
    /// `vg0/root`, as it is called on the disk.
    package let name: String
    package let path: String
    package let sizeBytes: UInt64
    /// Of the file system; nil where it is not known.
    package let type: String?

    package init(name: String, path: String, sizeBytes: UInt64, type: String?) {
      (self.name, self.path, self.sizeBytes, self.type) = (name, path, sizeBytes, type)
    }
  }

  package let device: String
  /// With job, whole id and volume.
  package let volume: String
  package let repository: String
  package let isReadOnly: Bool
  package var logicalVolumes: [LogicalVolume] = []
  package var notices: [Notice] = []

  package init(device: String, volume: String, repository: String, isReadOnly: Bool) {
    (self.device, self.volume) = (device, volume)
    (self.repository, self.isReadOnly) = (repository, isReadOnly)
  }

  /// The document `attached-device`.
  package var json: JSON {
    .object([
      "device": .string(device), "volume": .string(volume),
      "repository": .string(repository), "readOnly": .bool(isReadOnly),
      "logicalVolumes": .array(logicalVolumes.map(\.json)),
    ])
  }
}

extension AttachedDevice.LogicalVolume {
  fileprivate var json: JSON {
    .object([
      "name": .string(name), "path": .string(path), "sizeBytes": .unsigned(sizeBytes),
      "type": .optional(type),
    ])
  }
}

/// A device that was disconnected, with its server.
package struct DetachedDevice: Sendable {
  package let device: String
  /// With job, whole id and volume.
  package let volume: String
  package let repository: String

  package let notices: [Notice]

  package init(device: String, volume: String, repository: String, notices: [Notice] = []) {
    (self.device, self.volume, self.repository) = (device, volume, repository)
    self.notices = notices
  }

  /// The document `detached-device`.
  package var json: JSON {
    .object([
      "device": .string(device), "volume": .string(volume), "repository": .string(repository),
    ])
  }
}
