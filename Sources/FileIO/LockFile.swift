package import SystemPackage

extension FileSystem {
  /// Opens the lock file `path`, made for its owner alone where it is missing, and waits for the lock,
  /// which ends when the file is closed.
  package func lockFile(_ path: FilePath, _ mode: LockMode) throws(FileError) -> any OpenFile {
    let file: any OpenFile
    do {
      file = try createFile(path, permissions: .ownerReadWrite)
    } catch  where error.code == .alreadyExists {
      file = try openFile(path, for: .readingAndWriting)
    }
    try file.lock(mode)
    return file
  }
}
