package import FileIO
package import SystemPackage

/// Creates overlays that exist only as long as a process has them open.
package struct TemporaryOverlays: Sendable {
  private let directory: FilePath
  private let fileSystem: any FileSystem

  /// Checks the directory, and creates it if necessary.
  ///
  /// - Parameters:
  ///   - directory: the directory for the unnamed files. It is created if it is missing.
  ///   - repository: the repository, which must not contain the directory.
  /// - Throws: ``OverlayError`` if no file can be created there, or if the directory is in the
  ///   repository.
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
      // It is better to fail now than at a client's first write.
      try OverlayPlace(directory: directory, volume: nil, fileSystem: confined).create("trial")
        .close()
    }
  }

  /// Returns an overlay for a volume of `sizeBytes`. No file is created before the first write.
  package func makeOverlay(sizeBytes: UInt64) throws(OverlayError) -> VolumeOverlay {
    try VolumeOverlay.temporary(sizeBytes: sizeBytes, in: directory, fileSystem: fileSystem)
  }
}
