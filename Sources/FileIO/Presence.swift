package import SystemPackage

/// Calls for callers that accept a missing file. All other errors are thrown: a file that cannot be
/// examined must not count as missing.
extension FileSystem {
  /// Whether a file of any kind has this name.
  package func exists(_ path: FilePath) throws(FileError) -> Bool {
    do throws(FileError) {
      _ = try metadata(of: path)
      return true
    } catch  where error.code == .notFound {
      return false
    }
  }

  /// The entries of a directory; nil if there is no such directory.
  package func listIfThere(_ directory: FilePath) throws(FileError) -> [DirectoryEntry]? {
    do throws(FileError) {
      return try list(directory)
    } catch  where error.code == .notFound {
      return nil
    }
  }

  /// Removes a file. A missing file is not an error.
  package func removeIfThere(_ path: FilePath) throws(FileError) {
    do throws(FileError) {
      try remove(path)
    } catch  where error.code == .notFound {
      return
    }
  }
}
