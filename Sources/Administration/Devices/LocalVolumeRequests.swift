package import LocalDevices
package import SystemPackage

/// Disconnects a device that a volume was attached to, and discards what was written to it.
package struct DetachmentRequest: Sendable {
  package let device: KernelDevice

  package init(device: KernelDevice) { self.device = device }

  /// - Parameter records: where the records of such volumes are.
  /// - Throws: ``Refusal/OfDevice/notAttached(_:isConnected:)``, ``Refusal/OfDevice/mounted(_:at:)``,
  ///   ``Refusal/OfDevice/deviceInUse(_:)``, `FileError`, `ChildProcessError`, or a ``NoticedFailure``
  ///   with one of these.
  package func run(in records: FilePath) throws -> DetachedDevice {
    try [Notice].collecting { notices in
      let (volumes, found) = try LocalVolumes(in: records).all()
      notices += found
      let local = volumes[
        try index(among: volumes.map(\.record), isConnected: device.clientID != nil)]
      if let use = try local.use(of: device) { throw Refusal.device(.deviceInUse(use)) }
      try local.takeDown(lazily: false)
      return DetachedDevice(
        device: device.path, volume: local.record.volume, repository: local.record.repository,
        notices: notices)
    }
  }

  /// Finds what is attached to the device.
  ///
  /// - Parameters:
  ///   - records: of all volumes that were made devices or directories here, oldest first.
  ///   - isConnected: whether anybody has connected the device.
  func index(
    among records: [LocalVolumeRecord], isConnected: @autoclosure () -> Bool
  ) throws(Refusal) -> Int {
    guard let index = records.lastIndex(where: { $0.device == device.path }) else {
      throw .device(.notAttached(device.path, isConnected: isConnected()))
    }
    if let directory = records[index].directory {
      throw .device(.mounted(device.path, at: directory))
    }
    return index
  }
}

/// Unmounts a directory that a volume was mounted at, and discards what was written to it.
package struct UnmountingRequest: Sendable {
  package let directory: String

  package init(directory: String) { self.directory = AbsolutePath.of(directory) }

  /// - Parameter records: where the records of such volumes are.
  /// - Throws: ``Refusal/OfDevice/notMounted(_:)``, ``Refusal/OfDevice/mountedOver(_:)``,
  ///   ``Refusal/OfDevice/cannotUnmount(_:user:)``, `FileError`, `ChildProcessError`, or a
  ///   ``NoticedFailure`` with one of these.
  package func run(in records: FilePath) throws -> UnmountedDirectory {
    try [Notice].collecting { notices in
      let (volumes, found) = try LocalVolumes(in: records).all()
      notices += found
      let local = volumes[try index(among: volumes.map(\.record))]
      try local.takeDown(lazily: false)
      return UnmountedDirectory(
        directory: directory, volume: local.record.volume, repository: local.record.repository,
        notices: notices)
    }
  }

  /// Finds what is mounted at the directory.
  ///
  /// - Parameter records: of all volumes that were made devices or directories here, oldest first.
  func index(among records: [LocalVolumeRecord]) throws(Refusal) -> Int {
    guard let index = records.lastIndex(where: { $0.directory == directory }) else {
      throw .device(.notMounted(directory))
    }
    return index
  }
}

/// Lists what is mounted.
package struct MountListRequest: Sendable {
  package init() {}

  /// - Parameter records: where the records of such volumes are.
  package func run(in records: FilePath) throws -> (mounts: [MountedDirectory], notices: [Notice]) {
    let (volumes, notices) = try LocalVolumes(in: records).all()
    let mounts = try volumes.filter { $0.record.directory != nil }.map {
      $0.record.mounted(try $0.state())
    }
    return (mounts, notices)
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
