package import SystemPackage

/// For whoever takes what is not there for an answer. Any other error stays one: what cannot be looked
/// at must not be taken for missing.
extension FileSystem {
  /// Whether something has this name.
  package func exists(_ path: FilePath) throws(FileError) -> Bool {
    do throws(FileError) {
      _ = try metadata(of: path)
      return true
    } catch  where error.code == .notFound {
      return false
    }
  }

  /// What is in a directory; nil where there is no such directory.
  package func listIfThere(_ directory: FilePath) throws(FileError) -> [DirectoryEntry]? {
    do throws(FileError) {
      return try list(directory)
    } catch  where error.code == .notFound {
      return nil
    }
  }

  /// Removes a file, unless somebody was quicker.
  package func removeIfThere(_ path: FilePath) throws(FileError) {
    do throws(FileError) {
      try remove(path)
    } catch  where error.code == .notFound {
      return
    }
  }
}
