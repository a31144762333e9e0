package import SystemPackage

/// The one seam through which the repository touches storage, so that a simulated file system can
/// take the place of the real one.
///
/// Nothing here is durable by itself: contents are after ``OpenFile/synchronizeData()``, names
/// (created, renamed, removed) after ``synchronizeDirectory(_:)`` of the directory they stand in.
package protocol FileSystem: Sendable {
  /// Makes a file that did not exist and opens it for reading and writing.
  ///
  /// Fails with `alreadyExists` when anything has that name, a symbolic link included.
  /// (open(2): `O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC`)
  func createFile(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) -> any OpenFile

  /// Opens a file that exists. A FIFO is opened without waiting for its other end.
  func openFile(_ path: FilePath, for access: FileAccess) throws(FileError) -> any OpenFile

  /// Makes one directory; its parent must exist.
  func createDirectory(_ path: FilePath, permissions: FilePermissions) throws(FileError)

  /// All entries of a directory but `.` and `..`, sorted by name. An error while reading is an error,
  /// never a short list.
  func list(_ directory: FilePath) throws(FileError) -> [DirectoryEntry]

  /// Size, kind and identity of what `path` leads to, symbolic links followed.
  func metadata(of path: FilePath) throws(FileError) -> FileMetadata

  /// Gives a file another name in the same file system, in one step; a file that had that name is
  /// replaced.
  func rename(_ source: FilePath, to destination: FilePath) throws(FileError)

  /// Removes a file, a symbolic link or an empty directory.
  func remove(_ path: FilePath) throws(FileError)

  /// Makes durable which names stand in a directory. (fsync(2) of the directory)
  func synchronizeDirectory(_ path: FilePath) throws(FileError)

  /// How many calls that change names or wait for durability should run at the same time; at least 1.
  var concurrentChanges: Int { get }

  /// What tells one run of the machine from another, in printable characters without spaces: as long as
  /// it stays the same, whatever was written can be read, whether it was synchronised or not.
  /// (random(4): `/proc/sys/kernel/random/boot_id`)
  func bootID() throws(FileError) -> String

  /// The same file system for what lies below a directory, which others may be able to write to:
  /// nothing is reached through a symbolic link, and only regular files are opened, replaced or removed.
  ///
  /// - Parameters:
  ///   - directory: need not be there yet; a link that leads to it is followed.
  ///   - newFiles: who may use the files and directories that are made.
  func confined(to directory: FilePath, newFiles: NewFileAccess) -> any FileSystem
}

/// Who may use files and directories that are made.
package enum NewFileAccess: Sendable {
  /// The user who makes them.
  case user
  /// Whoever may use the directory that they are made below: see ``DirectoryAccess``.
  case likeDirectory
}

extension FileSystem {
  /// 1, for file systems that never wait for storage, such as simulated ones.
  package var concurrentChanges: Int { 1 }

  /// For file systems without links and users, such as simulated ones.
  package func confined(to directory: FilePath, newFiles: NewFileAccess) -> any FileSystem { self }
}

/// A file opened through a ``FileSystem``. Reads and writes carry their offset, so several threads
/// can share one.
package protocol OpenFile: AnyObject, Sendable {
  /// The name it was opened by.
  var path: FilePath { get }

  /// Fills the buffer from `offsetBytes` on; returns how much was read, which is less than asked for
  /// only at the end of the file, and 0 at or past it.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(FileError) -> Int

  /// Writes all of `bytes` at `offsetBytes`, or fails; after a failure any part may have been written.
  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(FileError)

  /// Makes what has been written durable, and the size. (fdatasync(2))
  ///
  /// A failure means that what was written may be lost, and trying again proves nothing.
  func synchronizeData() throws(FileError)

  func sizeBytes() throws(FileError) -> UInt64

  /// Makes the file so long: what is added reads as zeros and takes no space. Durable after
  /// ``synchronizeData()``. (ftruncate(2))
  func setSize(bytes sizeBytes: UInt64) throws(FileError)

  /// Gives back the space of a range, which reads as zeros afterwards; the size stays. Fails with
  /// `EOPNOTSUPP` where the file system cannot. (fallocate(2), `FALLOC_FL_PUNCH_HOLE`)
  func punchHole(at offsetBytes: UInt64, lengthBytes: UInt64) throws(FileError)

  /// The first byte at `offsetBytes` or after it that may be data, nil where only holes follow. What
  /// has been written counts as data; a file system that knows no holes calls everything data.
  /// (lseek(2), `SEEK_DATA`)
  func dataStart(from offsetBytes: UInt64) throws(FileError) -> UInt64?

  /// Whether the file has no name any more, so that closing it frees its space; false where that cannot
  /// be told. (fstat(2), `st_nlink`)
  func isUnlinked() -> Bool

  /// Asks the system to drop what it holds of the file in memory, so that the next read comes from
  /// storage. Advice: nothing depends on it but what a verification is worth. (posix_fadvise(2),
  /// `POSIX_FADV_DONTNEED`)
  func forgetCached()

  /// Locks the whole file; false when another open file holds a lock that excludes this one.
  ///
  /// The lock belongs to this open file and ends with ``unlock()``, ``close()`` or the process.
  /// Locking again changes the mode, not in one step. Advisory: binds only those who ask. (flock(2))
  func tryLock(_ mode: LockMode) throws(FileError) -> Bool

  /// Like ``tryLock(_:)``, but waits, as long as ``LockWaiting`` says.
  func lock(_ mode: LockMode) throws(FileError)

  func unlock() throws(FileError)

  /// Closes the file; closing twice is harmless, and deinitialisation closes too. Whatever is used
  /// after that fails; what other threads are in the middle of comes to its end first.
  func close()
}

extension OpenFile {
  /// Cannot be told.
  package func isUnlinked() -> Bool { false }

  /// Nothing is held.
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
  /// As ``Swift/String/init(escaping:)`` has it; ``SystemPackage/FilePath/appending(entry:)`` takes it.
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
  /// Number of the device the file lies on.
  package var device: UInt64
  /// Number of the file on its device.
  package var inode: UInt64
  /// Space that it takes on the device; less than the size where there are holes.
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
