package import FileIO
package import SystemPackage

/// Where overlays are made that last as long as whoever has them open.
package struct TemporaryOverlays: Sendable {
  private let directory: FilePath
  private let fileSystem: any FileSystem

  /// - Parameters:
  ///   - directory: for the files, which have no names; made where it is missing.
  ///   - repository: where the directory must not be.
  /// - Throws: ``OverlayError``, where no file can be made there or the directory is in the repository.
  package init(
    in directory: FilePath, outside repository: FilePath,
    fileSystem: any FileSystem = POSIXFileSystem()
  ) throws(OverlayError) {
    try OverlayDirectory.check(directory, isOutside: repository)
    self.directory = directory
    let confined = fileSystem.confined(to: directory, newFiles: .user)
    self.fileSystem = confined
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.createDirectories(directory, permissions: OverlayDirectory.permissions)
      // Better now than at a client's first write.
      try OverlayPlace(directory: directory, volume: nil, fileSystem: confined).create("trial")
        .close()
    }
  }

  /// An overlay for a volume of `sizeBytes`. No file is made before something is written.
  package func makeOverlay(sizeBytes: UInt64) throws(OverlayError) -> VolumeOverlay {
    try VolumeOverlay.temporary(sizeBytes: sizeBytes, in: directory, fileSystem: fileSystem)
  }
}
