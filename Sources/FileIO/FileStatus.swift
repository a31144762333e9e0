import Glibc

extension stat {
  var metadata: FileMetadata {
    FileMetadata(
      kind: FileKind(mode: st_mode) ?? .file,
      sizeBytes: UInt64(clamping: st_size),
      modified: FileTime(
        seconds: Int64(st_mtim.tv_sec), nanoseconds: UInt32(clamping: st_mtim.tv_nsec)),
      device: UInt64(st_dev),
      inode: UInt64(st_ino),
      // The unit is always 512 bytes, whatever the block size of the file system; stat(3type).
      allocatedBytes: UInt64(clamping: st_blocks) * 512)
  }
}

extension FileKind {
  /// The kind in `st_mode`; inode(7).
  init?(mode: mode_t) {
    switch mode & S_IFMT {
    case S_IFREG: self = .file
    case S_IFDIR: self = .directory
    case S_IFLNK: self = .symbolicLink
    case S_IFBLK: self = .blockDevice
    case S_IFCHR: self = .characterDevice
    case S_IFIFO: self = .pipe
    case S_IFSOCK: self = .socket
    default: return nil
    }
  }

  /// The kind in `d_type`; nil for `DT_UNKNOWN`, which some file systems always return; readdir(3).
  init?(directoryEntryType type: UInt8) {
    // `d_type` is the file type part of `st_mode`, shifted: `IFTODT` of <dirent.h>.
    self.init(mode: mode_t(type) << 12)
  }
}
