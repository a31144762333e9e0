package import SystemPackage

/// The interface through which the repository uses storage, so that a simulated file system can
/// replace the real one.
///
/// No change is durable by itself. ``OpenFile/synchronizeData()`` makes content durable.
/// ``synchronizeDirectory(_:)`` makes names durable that were created, renamed or removed in the
/// directory.
package protocol FileSystem: Sendable {
  /// Creates a file and opens it for reading and writing.
  ///
  /// Fails with `alreadyExists` if the name is in use, even by a symbolic link that leads nowhere.
  /// (open(2): `O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC`)
  func createFile(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) -> any OpenFile

  /// Opens an existing file. Opening a FIFO does not wait for its other end.
  func openFile(_ path: FilePath, for access: FileAccess) throws(FileError) -> any OpenFile

  /// Creates one directory; its parent must exist.
  func createDirectory(_ path: FilePath, permissions: FilePermissions) throws(FileError)

  /// All entries of a directory except `.` and `..`, sorted by name. A read error is thrown; a list
  /// is never incomplete.
  func list(_ directory: FilePath) throws(FileError) -> [DirectoryEntry]

  /// Size, kind and identity of `path`; follows symbolic links.
  func metadata(of path: FilePath) throws(FileError) -> FileMetadata

  /// Renames a file in one step, within one file system. Replaces a file that has the new name.
  func rename(_ source: FilePath, to destination: FilePath) throws(FileError)

  /// Removes a file, a symbolic link or an empty directory.
  func remove(_ path: FilePath) throws(FileError)

  /// Makes the names in a directory durable. (fsync(2) of the directory)
  func synchronizeDirectory(_ path: FilePath) throws(FileError)

  /// The number of calls that should run at once if they change names or wait for durability; at
  /// least 1.
  var concurrentChanges: Int { get }

  /// Whether the file system of an existing directory writes changed blocks to new places, so that every
  /// change needs room first; false where that cannot be told.
  func copiesOnWrite(_ directory: FilePath) -> Bool

  /// An identifier of this boot of the machine, in printable characters without spaces. As long as
  /// it is the same, all written data can be read, even if it was not synchronised.
  /// (random(4): `/proc/sys/kernel/random/boot_id`)
  func bootID() throws(FileError) -> String

  /// This file system, restricted to a directory that other users may be able to write to. Symbolic
  /// links below it are not followed, and only regular files are opened, replaced or removed.
  ///
  /// - Parameters:
  ///   - directory: the directory; need not exist yet. A link to it is followed.
  ///   - newFiles: the users who may use new files and directories.
  func confined(to directory: FilePath, newFiles: NewFileAccess) -> any FileSystem
}

/// The users who may use new files and directories.
package enum NewFileAccess: Sendable {
  /// Only the user who creates them.
  case user
  /// The users of the directory to which the file system is confined: see ``DirectoryAccess``.
  case likeDirectory
}

extension FileSystem {
  /// 1: for file systems that never wait for storage, such as simulated ones.
  package var concurrentChanges: Int { 1 }

  /// For file systems that need no room for deleting, such as simulated ones.
  package func copiesOnWrite(_ directory: FilePath) -> Bool { false }

  /// For file systems without links and users, such as simulated ones.
  package func confined(to directory: FilePath, newFiles: NewFileAccess) -> any FileSystem { self }
}

/// A file opened through a ``FileSystem``. Every read and write states its offset, so several
/// threads can share an open file.
package protocol OpenFile: AnyObject, Sendable {
  /// The path with which the file was opened.
  var path: FilePath { get }

  /// Fills the buffer with the bytes from `offsetBytes` on, and returns the number of bytes read.
  /// The number is less than the length of the buffer only at the end of the file, and 0 at or past
  /// it.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(FileError) -> Int

  /// Writes all of `bytes` at `offsetBytes`, or fails. After a failure, any part of them may have
  /// been written.
  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(FileError)

  /// Makes the written content and the size durable. (fdatasync(2))
  ///
  /// After a failure, written content may be lost, and a successful retry proves nothing.
  func synchronizeData() throws(FileError)

  func sizeBytes() throws(FileError) -> UInt64

  /// Sets the size. New bytes read as zeros and use no space. The size is durable after
  /// ``synchronizeData()``. (ftruncate(2))
  func setSize(bytes sizeBytes: UInt64) throws(FileError)

  /// Frees the space of a range, which then reads as zeros; the size stays the same. Fails with
  /// `EOPNOTSUPP` if the file system cannot do it. (fallocate(2), `FALLOC_FL_PUNCH_HOLE`)
  func punchHole(at offsetBytes: UInt64, lengthBytes: UInt64) throws(FileError)

  /// The first byte from `offsetBytes` on that may be data; nil if only holes follow. Written bytes
  /// count as data; a file system without holes reports everything as data. (lseek(2), `SEEK_DATA`)
  func dataStart(from offsetBytes: UInt64) throws(FileError) -> UInt64?

  /// Whether the file has no name any more, so that closing it frees its space; false if that is
  /// unknown. (fstat(2), `st_nlink`)
  func isUnlinked() -> Bool

  /// Asks the system to drop its cache of the file, so that the next read comes from storage.
  /// Advice only: if the system ignores it, a verification may check the cache instead of the
  /// storage. (posix_fadvise(2), `POSIX_FADV_DONTNEED`)
  func forgetCached()

  /// Locks the whole file; false if the lock of another open file excludes this one.
  ///
  /// The lock belongs to this open file and ends with ``unlock()``, ``close()`` or the process.
  /// Locking again changes the mode, but not in one step. The lock is advisory: it excludes only
  /// other locks. (flock(2))
  func tryLock(_ mode: LockMode) throws(FileError) -> Bool

  /// Like ``tryLock(_:)``, but waits, at most for the limit of ``LockWaiting``.
  func lock(_ mode: LockMode) throws(FileError)

  func unlock() throws(FileError)

  /// Closes the file. Later calls fail; running calls of other threads finish first. Closing twice
  /// is harmless, and deinitialisation also closes the file.
  func close()
}

extension OpenFile {
  /// False: this is unknown.
  package func isUnlinked() -> Bool { false }

  /// Does nothing: there is no cache.
  package func forgetCached() {}
}

package enum FileAccess: Sendable, Hashable {
  case reading
  case readingAndWriting
}

package enum LockMode: Sendable, Hashable {
  case shared
  case exclusive
}

package enum FileKind: Sendable, Hashable {
  case file
  case directory
  case symbolicLink
  case blockDevice
  case characterDevice
  case pipe
  case socket

  var words: String {
    switch self {
    case .file: "regular file"
    case .directory: "directory"
    case .symbolicLink: "symbolic link"
    case .blockDevice: "block device"
    case .characterDevice: "character device"
    case .pipe: "FIFO"
    case .socket: "socket"
    }
  }
}

package struct DirectoryEntry: Sendable, Hashable {
  /// The name, escaped by ``Swift/String/init(escaping:)``. To make a path of it, use
  /// ``SystemPackage/FilePath/appending(entry:)``.
  package let name: String
  package let kind: FileKind

  package init(name: String, kind: FileKind) {
    self.name = name
    self.kind = kind
  }
}

package struct FileMetadata: Sendable, Hashable {
  package var kind: FileKind
  package var sizeBytes: UInt64
  package var modified: FileTime
  /// Number of the device that the file is on.
  package var device: UInt64
  /// Number of the file on its device.
  package var inode: UInt64
  /// Space that the file uses on the device; less than the size if there are holes.
  package var allocatedBytes: UInt64

  package init(
    kind: FileKind, sizeBytes: UInt64, modified: FileTime, device: UInt64, inode: UInt64,
    allocatedBytes: UInt64
  ) {
    self.kind = kind
    self.sizeBytes = sizeBytes
    self.allocatedBytes = allocatedBytes
    self.modified = modified
    self.device = device
    self.inode = inode
  }
}

/// A moment since 1970-01-01 00:00 UTC.
package struct FileTime: Sendable, Hashable, Comparable {
  package var seconds: Int64
  /// 0 to 999,999,999.
  package var nanoseconds: UInt32

  package init(seconds: Int64, nanoseconds: UInt32) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  package static func < (left: FileTime, right: FileTime) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }
}
