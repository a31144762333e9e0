import CLinux
import Glibc
import SystemPackage

/// The owner and permissions of new files and directories below a directory.
///
/// New files and directories get the directory's owner and group, as far as this process may set
/// them. They get the directory's group permissions only if the directory is meant to be shared:
/// others have no access to it, or the group may write to it, or it has the set-group-ID bit. A
/// directory with the usual permissions of `mkdir` (`rwxr-xr-x`) is not shared. Other users never
/// get access: a backup contains everything on its disks.
struct DirectoryAccess: Sendable {
  private let path: FilePath
  private let owner: uid_t
  private let group: gid_t
  /// The group's permissions: a part of the bits 070.
  private let groupBits: mode_t
  private let isSetGroupID: Bool

  /// - Parameter directory: the open directory at `path`.
  init(_ directory: borrowing Descriptor, at path: FilePath) throws(Errno) {
    let status = try directory.status()
    let mode = status.st_mode
    self.path = path
    owner = status.st_uid
    group = status.st_gid
    isSetGroupID = mode & S_ISGID != 0
    let isShared = isSetGroupID || mode & 0o020 != 0 || mode & 0o007 == 0
    groupBits = isShared ? mode & 0o070 : 0
  }

  /// Gives the users of this directory access to a new file or directory.
  ///
  /// - Returns: false if the owner of this directory could not use it: see ``lockedOut``.
  func apply(to new: borrowing Descriptor) throws(Errno) -> Bool {
    var status = try new.status()
    // Root has just created the file, so it would belong to root. This is another file: a user has
    // moved the new file away and put this one in its place.
    if geteuid() == 0, status.st_uid != 0 { return true }
    let newOwner = geteuid() == 0 && status.st_uid != owner ? owner : uid_t.max
    let newGroup = status.st_gid != group ? group : gid_t.max
    let isGiven =
      (newOwner == .max && newGroup == .max) || fchown(new.rawValue, newOwner, newGroup) == 0
    // If owner and group could not be changed, the bits would admit the wrong users.
    if isGiven, groupBits != 0 {
      _ = fchmod(new.rawValue, mode(isDirectory: status.st_mode & S_IFMT == S_IFDIR))
    }
    guard geteuid() != 0, geteuid() != owner, owner != 0 else { return true }
    status = try new.status()
    let groupMayWrite = status.st_gid == group && status.st_mode & 0o060 == 0o060
    return status.st_uid == owner || groupMayWrite || status.st_mode & 0o006 == 0o006
  }

  /// The reason why ``apply(to:)`` returned false.
  var lockedOut: FileError.Detail {
    .locksOut(owner: UserName.of(owner), of: path, user: UserName.ofThisProcess)
  }

  private func mode(isDirectory: Bool) -> mode_t {
    isDirectory
      ? 0o700 | groupBits | (isSetGroupID ? S_ISGID : 0)
      : 0o600 | groupBits & 0o060
  }
}

/// User names for messages.
enum UserName {
  static var ofThisProcess: String { of(geteuid()) }

  /// `user backup`, or `user ID 1000` if it has no name.
  static func of(_ id: uid_t) -> String {
    var entry = passwd()
    var buffer = [CChar](repeating: 0, count: 16 << 10)
    var found: UnsafeMutablePointer<passwd>?
    guard getpwuid_r(id, &entry, &buffer, buffer.count, &found) == 0, found != nil,
      let name = entry.pw_name
    else { return "user ID \(id)" }
    return "user \(String(cString: name))"
  }
}
