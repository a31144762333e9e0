/// Disconnects a device that a volume was attached to.
package struct DetachmentRequest: Sendable {
  package let device: String

  package init(device: String) { self.device = device }

  /// Finds what is attached to the device.
  ///
  /// - Parameters:
  ///   - records: of all volumes that were made devices or directories here, oldest first.
  ///   - isConnected: whether anybody has connected the device.
  /// - Throws: ``Refusal/OfDevice/notAttached(_:isConnected:)``, ``Refusal/OfDevice/mounted(_:at:)``.
  package func index(
    among records: [LocalVolumeRecord], isConnected: @autoclosure () -> Bool
  ) throws(Refusal) -> Int {
    guard let index = records.lastIndex(where: { $0.device == device }) else {
      throw .device(.notAttached(device, isConnected: isConnected()))
    }
    if let directory = records[index].directory { throw .device(.mounted(device, at: directory)) }
    return index
  }

  /// - Parameter record: of what was attached.
  package func outcome(_ record: LocalVolumeRecord) -> DetachedDevice {
    DetachedDevice(device: device, volume: record.volume, repository: record.repository)
  }
}

/// Unmounts a directory that a volume was mounted at.
package struct UnmountingRequest: Sendable {
  package let directory: String

  package init(directory: String) { self.directory = directory }

  /// Finds what is mounted at the directory.
  ///
  /// - Parameter records: of all volumes that were made devices or directories here, oldest first.
  /// - Throws: ``Refusal/OfDevice/notMounted(_:)``.
  package func index(among records: [LocalVolumeRecord]) throws(Refusal) -> Int {
    guard let index = records.lastIndex(where: { $0.directory == directory }) else {
      throw .device(.notMounted(directory))
    }
    return index
  }

  /// - Parameter record: of what was mounted.
  package func outcome(_ record: LocalVolumeRecord) -> UnmountedDirectory {
    UnmountedDirectory(
      directory: directory, volume: record.volume, repository: record.repository)
  }
}

extension LocalVolumeRecord {
  /// Why no other volume can have the device; nil where it can.
  package func conflict(withDevice path: String) -> Refusal? {
    guard device == path else { return nil }
    guard let directory else { return .device(.deviceAttached(path, volume: volume)) }
    return .device(.deviceMounted(path, volume: volume, at: directory))
  }

  /// Why nothing else can be mounted there; nil where it can.
  package func conflict(withDirectory path: String) -> Refusal? {
    directory == path ? .device(.directoryInUse(path, volume: volume)) : nil
  }

  /// What is mounted, and how.
  package func mounted(_ state: MountedDirectory.State) -> MountedDirectory {
    var mounted = MountedDirectory(
      directory, volume: volume, repository: repository, created: created, state: state)
    mounted.part =
      partition.map(MountedDirectory.Part.partition)
      ?? logicalVolume.map(MountedDirectory.Part.logicalVolume)
    mounted.type = type
    mounted.isReadOnly = !isMountedForWriting
    mounted.device = source
    return mounted
  }
}
