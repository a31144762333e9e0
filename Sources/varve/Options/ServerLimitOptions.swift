import ArgumentParser
import CLinux
import NBDServer

/// What a server may use, and what its clients may.
struct ServerLimitOptions: ParsableArguments {
  /// Descriptors besides those of clients: packs, the index, what is listened on.
  private static let ownDescriptors = 256

  @Option(
    help: ArgumentHelp(
      "Memory for the chunk cache, 1MiB or more.", valueName: "size"),
    transform: ByteSize.reading)
  var cacheSize = ByteSize(bytes: 64 << 20)

  @Option(
    help: ArgumentHelp(
      "Memory for unsent replies of all clients together, 64MiB or more.",
      discussion: "Clients that ask for more wait until others have taken their replies.",
      valueName: "size"),
    transform: ByteSize.reading)
  var replyMemory = ByteSize(bytes: UInt64(ServerConfiguration.leastReplyMemoryBytes))

  @Option(
    help: ArgumentHelp(
      "Maximum number of connections; further ones are closed at once.", valueName: "number"))
  var maxClients = ServerConfiguration().connectionLimit

  @Option(
    help: ArgumentHelp(
      "Time limit for each step of the handshake, until the client has chosen an export.",
      discussion: "After that it can be idle without limit.",
      valueName: "seconds"))
  var optionTimeout = Int(ServerConfiguration().optionTimeLimit.components.seconds)

  mutating func validate() throws {
    guard 1 << 20...1 << 40 ~= cacheSize.bytes else {
      throw ValidationError("--cache-size must be 1MiB to 1TiB, found \(cacheSize).")
    }
    let least = ByteSize(bytes: UInt64(ServerConfiguration.leastReplyMemoryBytes))
    guard least.bytes...1 << 40 ~= replyMemory.bytes else {
      throw ValidationError("--reply-memory must be \(least) to 1TiB, found \(replyMemory).")
    }
    guard 1...100_000 ~= maxClients else {
      throw ValidationError("--max-clients must be 1 to 100000, found \(maxClients).")
    }
    guard 1...3600 ~= optionTimeout else {
      throw ValidationError("--option-timeout must be 1 to 3600 seconds, found \(optionTimeout).")
    }
  }

  /// Lets the process have the descriptors that so many clients take.
  func apply(to configuration: inout ServerConfiguration) {
    configuration.replyMemoryBytes = Int(replyMemory.bytes)
    configuration.optionTimeLimit = .seconds(optionTimeout)
    let wanted = maxClients + Self.ownDescriptors
    let allowed = Int(clamping: linux_allow_descriptors(UInt64(wanted)))
    configuration.connectionLimit = max(1, min(maxClients, allowed - Self.ownDescriptors))
    if configuration.connectionLimit < maxClients {
      Console.shared.warning(
        "only \(configuration.connectionLimit) clients can connect, because the process may open only "
          + "\(allowed) files; raise the limit with 'ulimit -n' or LimitNOFILE=")
    }
  }
}
