import Administration
import ChildProcesses
import FileIO
import Glibc
import SystemPackage

/// The directory of a user's servers: the socket of the one that was given no address, and those on
/// which each tells what it is doing.
struct RuntimeDirectory {
  static let variable = "VARVE_RUNTIME"
  private static let prefix = "serve-"
  private static let suffix = ".sock"

  let path: FilePath

  /// `$VARVE_RUNTIME`, else `/run/varve` for root and `$XDG_RUNTIME_DIR/varve` for others; nil where
  /// none of these is known.
  init?() {
    if let chosen = Environment[Self.variable] {
      path = FilePath(escaped: chosen)
    } else if geteuid() == 0 {
      path = "/run/varve"
    } else if let runtime = Environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/") {
      path = FilePath(escaped: runtime).appending("varve")
    } else {
      return nil
    }
  }

  /// Makes the directory, for this user alone.
  ///
  /// - Throws: ``Failure`` where there is one that others can use.
  func make() throws {
    try UnixSocket.checkDirectory(path)
    if path.withPlatformString({ mkdir($0, 0o700) }) != 0, errno != EEXIST { throw failure(errno) }
    var status = stat()
    guard path.withPlatformString({ lstat($0, &status) }) == 0 else { throw failure(errno) }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
      status.st_mode & 0o077 == 0
    else {
      throw Failure(
        .permissionDenied,
        "\(path) must be a directory that only this user can access; remove it, or set "
          + "\(Self.variable) to another one")
    }
  }

  /// Where a server listens that was given no address.
  var serverSocket: String { path.appending("nbd.sock").string }

  /// Where this process tells what it is doing.
  var ownSocket: String { path.appending("\(Self.prefix)\(getpid())\(Self.suffix)").string }

  /// Where all servers tell what they are doing, those included that died; with the numbers of their processes.
  func sockets() throws -> [ClientListRequest.Socket] {
    let entries: [DirectoryEntry]
    do throws(FileError) {
      entries = try POSIXFileSystem().list(path)
    } catch {
      guard error.code != .notFound else { return [] }
      throw error
    }
    return entries.compactMap { entry in
      guard entry.name.hasPrefix(Self.prefix), entry.name.hasSuffix(Self.suffix),
        let process = Int32(entry.name.dropFirst(Self.prefix.count).dropLast(Self.suffix.count))
      else { return nil }
      return ClientListRequest.Socket(
        process: process, path: path.appending(entry: entry.name).string)
    }.sorted { $0.process < $1.process }
  }

  private func failure(_ number: CInt) -> Failure {
    Failure(
      FailureCode(Errno(rawValue: number)),
      "cannot create the directory \(path): \(Errno(rawValue: number).explanation)")
  }
}
