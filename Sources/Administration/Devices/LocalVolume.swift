import ChildProcesses
import FileIO
import Glibc
package import LocalDevices
import Synchronization
package import SystemPackage
import Workers

/// A volume that `attach` or `mount` has made a device or a directory of, with a directory in which
/// there is everything that belongs to it.
package final class LocalVolume: Sendable {
  /// How long the server and nbdfuse may take to end by themselves.
  private static let patience = Duration.seconds(10)
  /// Of a record; more is none.
  private static let limitBytes = 64 << 10

  /// Its own directory, open to nobody else.
  package let place: FilePath

  private let current: Mutex<LocalVolumeRecord>

  /// Makes the directory's first record.
  package init(place: FilePath, record: LocalVolumeRecord) throws {
    self.place = place
    current = Mutex(record)
    try write(record)
  }

  /// Reads the record of a local volume; nil where there is none.
  package init?(at place: FilePath) throws {
    self.place = place
    let path = place.appending("record")
    do throws(FileError) {
      let bytes = try POSIXFileSystem().readAll(path, limitBytes: Self.limitBytes)
      guard let record = LocalVolumeRecord(String(decoding: bytes, as: UTF8.self)) else {
        throw FileError(operation: "parse", path: path, errno: .badMessage)
      }
      current = Mutex(record)
    } catch {
      if error.code == .notFound || error.code == .notDirectory { return nil }
      throw error
    }
  }

  package var record: LocalVolumeRecord { current.withLock { $0 } }

  /// What no other local volume is called; letters and digits.
  var key: String { place.lastComponent?.string ?? "" }

  var socket: String { place.appending("socket").escaped }
  /// What is written to the volume lies here.
  var overlays: FilePath { place.appending("overlays") }
  /// Where nbdfuse shows the volume.
  private var fuseDirectory: FilePath { place.appending("fuse") }
  private var fuseFile: String { fuseDirectory.appending("disk").escaped }

  /// Notes something down, durably, so that whoever comes later knows of it.
  package func note(_ change: (inout LocalVolumeRecord) -> Void) throws {
    try write(
      current.withLock { record in
        change(&record)
        return record
      })
  }

  private func write(_ record: LocalVolumeRecord) throws(FileError) {
    try POSIXFileSystem().writeDurably(
      Array(record.text.utf8), to: place.appending("record"), permissions: .ownerReadWrite)
  }

  /// Runs `body`. If it fails or is cancelled, everything that was set up for the volume is undone.
  ///
  /// - Throws: what `body` throws, `WorkersError/cancelled`, or a ``NoticedFailure`` with one of these if
  ///   not everything could be undone.
  func undoingOnFailure(_ cancellation: CancellationFlag, _ body: () throws -> Void) throws {
    do {
      try Cleanups.ofProcess.cleaningUp(with: { try? self.takeDown(lazily: true) }) {
        try body()
        try cancellation.check()
      }
    } catch {
      do {
        try takeDown(lazily: true)
      } catch let failure {
        throw NoticedFailure(cause: error, notices: [.notUndone(failure)])
      }
      throw error
    }
  }

  // MARK: The volume as a device

  /// Shows the volume as a file, through nbdfuse.
  ///
  /// - Returns: the path of the file.
  func showAsFile(_ cancellation: CancellationFlag) throws -> String {
    try POSIXFileSystem().createDirectories(fuseDirectory)
    let nbdfuse = try LastingProcess(
      ProcessLaunch(["nbdfuse", fuseFile, ExportURI(socket: socket).description]), name: "nbdfuse")
    try note { $0.fuse = nbdfuse.identity }
    try nbdfuse.waitUntilReady(patience: .seconds(30), cancellation: cancellation) {
      fuseFile.withUnescapedCString({ access($0, F_OK) }) == 0
    }
    return fuseFile
  }

  /// Connects a device of the kernel.
  func connect(_ device: KernelDevice, connections: Int, sectorBytes: UInt64) throws {
    try device.connect(
      toSocket: socket, connections: connections, sectorBytes: sectorBytes,
      isReadOnly: !record.isWritable)
    try note { record in
      record.device = device.path
      record.clientID = device.clientID
    }
  }

  // MARK: Its state

  package func state() throws -> MountedDirectory.State {
    try !isMounted() ? .notMounted : isServed ? .mounted : .serverGone
  }

  /// Whether the server still runs.
  package var isServed: Bool { isOfThisBoot && record.server?.isRunning ?? false }

  /// Whether the file system is mounted where it was, by the last look.
  func isMounted() throws -> Bool {
    guard isOfThisBoot, let directory = record.directory, let source = record.source else {
      return false
    }
    return try MountTable.current().mounts.contains {
      $0.mountPoint == directory && $0.source == source
    }
  }

  private var isOfThisBoot: Bool { record.isOfThisBoot }

  /// What uses the device where it is the one that was connected; nil for nothing.
  package func use(of device: KernelDevice) throws -> String? {
    guard isOfThisBoot, device.clientID == record.clientID else { return nil }
    return try device.use(groupKey: record.groupKey)
  }

  /// Who has files of the mounted file system open; nil for nobody who can be found.
  private func user(of directory: String) -> String? {
    var status = stat()
    guard stat(directory, &status) == 0 else { return nil }
    let device = DeviceNumber(packed: UInt64(status.st_dev))
    return RunningProcess.all().first { $0.usesFileSystem(on: device) }?.description
  }

  // MARK: Undoing

  /// Unmounts, disconnects, ends processes and removes the directory, as far as there is any of it.
  ///
  /// - Parameter lazily: whether a file system that is in use disappears from its directory all the
  ///   same, and ends when nobody uses it any more.
  package func takeDown(lazily: Bool) throws {
    if isOfThisBoot {
      let isLazy = lazily || !isServed
      // Nothing that the file system still waits for would ever be answered.
      if !isServed { record.fuse?.terminate(patience: .zero) }
      try unmount(lazily: isLazy)
      try LogicalVolumes(of: self).deactivate(lazily: isLazy)
      try disconnect()
      try unmountFuse()
      record.fuse?.terminate(patience: Self.patience)
      record.server?.terminate(patience: Self.patience)
    }
    do throws(FileError) {
      try PrivateDirectory.remove(place)
    } catch {
      // Somebody else may have been quicker.
      if error.code != .notFound { throw error }
    }
  }

  private func unmount(lazily: Bool) throws {
    guard try isMounted(), let directory = record.directory else { return }
    guard
      try MountTable.current().mounts.last(where: { $0.mountPoint == directory })?.source
        == record.source
    else {
      throw Refusal.device(.mountedOver(directory))
    }
    do throws(ChildProcessError) {
      try Tool("umount", directory).run()
    } catch {
      guard lazily else {
        throw Refusal.device(.cannotUnmount(error, user: user(of: directory)))
      }
      try Tool("umount", "--lazy", directory).run()
    }
  }

  private func disconnect() throws {
    guard let device = record.device.flatMap(KernelDevice.init(path:)), let id = record.clientID,
      device.clientID == id
    else { return }
    try device.disconnect()
  }

  /// The loop device lets go of the file a moment after it was unmounted.
  private func unmountFuse() throws {
    guard
      try MountTable.current().mounts.contains(where: { $0.mountPoint == fuseDirectory.escaped })
    else { return }
    let isDone = Waiting.until(patience: .seconds(2)) {
      (try? Tool("umount", fuseDirectory.escaped).run()) != nil
    }
    if !isDone { try Tool("umount", "--lazy", fuseDirectory.escaped).run() }
  }
}
