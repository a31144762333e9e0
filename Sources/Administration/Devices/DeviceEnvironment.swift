package import ChildProcesses
import LocalDevices
package import SystemPackage
package import Workers

/// What an operation needs to make a volume a device or a directory of this machine.
package struct DeviceEnvironment: Sendable {
  /// Where the records of such volumes are.
  package let records: FilePath
  package let launcher: any VolumeServerLauncher
  package let context: WorkContext

  package init(records: FilePath, launcher: any VolumeServerLauncher, context: WorkContext) {
    (self.records, self.launcher, self.context) = (records, launcher, context)
  }

  var volumes: LocalVolumes { LocalVolumes(in: records) }
}

/// Starts a server for one volume: a process that stays when this process has ended. Only the front end
/// knows how its program is called.
package protocol VolumeServerLauncher: Sendable {
  /// - Parameter note: called with the process as soon as it exists, before it gets any secret.
  func launch(
    _ server: VolumeServer, noting note: (LastingProcess) throws -> Void
  ) throws -> LastingProcess
}

/// A server that offers one volume on a Unix socket which only this user reaches.
package struct VolumeServer: Sendable {
  package struct Overlay: Sendable {
    package let name: String
    package let directory: FilePath
  }

  package let volume: SelectedVolume
  /// The path of the socket.
  package let socket: String
  /// Takes what clients write. All connections share it, and later ones find what earlier ones wrote. Nil
  /// for a volume that cannot be written to.
  package let overlay: Overlay?
}

extension DeviceEnvironment {
  /// Opening the repository may take long where it lies far away.
  private static let patience = Duration.seconds(120)
  /// The only overlay of its directory.
  private static let overlayName = "writes"

  /// Starts the server of a volume. Returns when the server listens.
  ///
  /// - Parameter changes: what clients find changed from the beginning.
  func serve(
    _ volume: SelectedVolume, as local: LocalVolume, _ changes: [PhysicalVolume.Change]
  ) throws {
    if !changes.isEmpty {
      try volume.prepareOverlay(Self.overlayName, in: local.overlays, changes, context)
    }
    let isWritable = local.record.isWritable || !changes.isEmpty
    let server = VolumeServer(
      volume: volume, socket: local.socket,
      overlay: isWritable
        ? VolumeServer.Overlay(name: Self.overlayName, directory: local.overlays) : nil)
    let process = try launcher.launch(server) { process in
      try local.note { $0.server = process.identity }
    }
    try process.waitUntilReady(patience: Self.patience, cancellation: context.cancellation) {
      UnixSocket.answers(at: local.socket)
    }
  }
}
