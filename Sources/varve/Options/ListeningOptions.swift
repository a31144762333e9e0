import ArgumentParser
import Glibc
import NBDServer

/// Where a server listens.
struct ListeningOptions: ParsableArguments {
  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Listen on this TCP address; can be repeated. Port 0 lets the system choose.",
      discussion: """
        Every user of a machine can reach its loopback addresses. Write an IPv6 address in brackets, \
        such as [::1]:\(ListenAddress.defaultPort).
        """,
      valueName: "host:port"))
  var listen: [ListenArgument] = []

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Listen on a Unix socket at this path, for this user only; can be repeated.",
      discussion: """
        Default: nbd.sock in /run/varve for root, in $XDG_RUNTIME_DIR/varve for others, or in the \
        directory given by $VARVE_RUNTIME. There is no default if --listen is given or systemd \
        passes sockets.
        """,
      valueName: "path"),
    completion: .file())
  var unix: [String] = []

  @Option(
    help: ArgumentHelp(
      "The permissions of the Unix sockets, as for chmod; 660 allows user and group.",
      valueName: "mode"))
  var unixMode: FileMode?

  @Option(
    help: ArgumentHelp(
      "The owner of the Unix sockets: USER, USER:GROUP or :GROUP.", valueName: "owner"))
  var unixOwner: OwnerArgument?

  mutating func validate() throws {
    for path in unix { try NameArgument.checkText(path) }
    if unix.contains("") { throw ValidationError("--unix needs a path, found ''.") }
    guard unix.isEmpty else { return }
    if unixMode != nil { throw ValidationError("--unix-mode needs --unix.") }
    if unixOwner != nil { throw ValidationError("--unix-owner needs --unix.") }
  }

  /// Whether no place was chosen.
  var isDefault: Bool { listen.isEmpty && unix.isEmpty }

  /// What was asked for; empty where nothing was.
  ///
  /// - Parameter inherited: sockets that were passed to this process.
  func addresses(beside inherited: [ListenAddress]) -> [ListenAddress] {
    let sockets = unix.map {
      ListenAddress.unix(path: $0, mode: unixMode?.bits ?? 0o600, owner: unixOwner?.owner)
    }
    return inherited + listen.map { .tcp(host: $0.host, port: $0.port) } + sockets
  }
}

/// Permission bits as chmod takes them in digits: `600`, `0660`.
struct FileMode: Equatable, Sendable, ExpressibleByArgument {
  let bits: UInt32

  init?(argument: String) {
    guard 3...4 ~= argument.utf8.count, argument.allSatisfy({ "0"..."7" ~= $0 }),
      let bits = UInt32(argument, radix: 8), bits <= 0o777
    else { return nil }
    self.bits = bits
  }
}

/// A user, a group, or both, by name or number: `qemu`, `qemu:kvm`, `:kvm`, `107:36`.
struct OwnerArgument: Equatable, Sendable, ExpressibleByArgument {
  let owner: SocketOwner

  /// Nil for whoever does not exist here.
  init?(argument: String) {
    let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let (user, group) = (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
    guard !(user + group).isEmpty else { return nil }
    let userNumber = UInt32(user) ?? getpwnam(user)?.pointee.pw_uid
    let groupNumber = UInt32(group) ?? getgrnam(group)?.pointee.gr_gid
    guard user.isEmpty || userNumber != nil, group.isEmpty || groupNumber != nil else {
      return nil
    }
    owner = SocketOwner(
      user: user.isEmpty ? nil : userNumber, group: group.isEmpty ? nil : groupNumber)
  }
}
