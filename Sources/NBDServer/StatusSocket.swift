import Glibc
import NIOCore
import NIOPosix

/// A Unix socket on which a server reports its status: it sends one document, then closes.
package enum StatusSocket {
  /// How long each side waits for the other.
  private static let patienceSeconds = 10
  private static let documentLimitBytes = 64 << 20

  /// Reads the status of the server at `path`. Returns nil if no server answers, and then removes
  /// the stale socket file. Blocks.
  ///
  /// - Throws: ``ServerError`` if a server does not answer in time.
  package static func read(at path: String) throws(ServerError) -> [UInt8]? {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw UnixSocketFile.systemError(path, "socket") }
    defer { close(descriptor) }
    var limit = timeval(tv_sec: patienceSeconds, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(
        descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
    guard try UnixSocketFile.withAddress(path, { connect(descriptor, $0, $1) }) == 0 else {
      guard errno == ECONNREFUSED || errno == ENOENT else {
        throw UnixSocketFile.systemError(path, "connect")
      }
      UnixSocketFile.removeIfStale(path)
      return nil
    }
    return try receive(descriptor, path)
  }

  private static func receive(_ descriptor: Int32, _ path: String) throws(ServerError) -> [UInt8] {
    var document: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while document.count <= documentLimitBytes {
      let count = recv(descriptor, &piece, piece.count, 0)
      guard count >= 0 || errno == EINTR else { throw UnixSocketFile.systemError(path, "recv") }
      if count == 0 { return document }
      document += piece.prefix(max(0, count))
    }
    throw ServerError(
      code: .system, address: path,
      reason: "the status is longer than \(documentLimitBytes) bytes")
  }

  static func listen(
    at path: String, on group: MultiThreadedEventLoopGroup, threads: NIOThreadPool,
    _ document: @escaping @Sendable () -> [UInt8]
  ) throws -> Listener {
    let (file, descriptor) = try UnixSocketFile.listen(at: path, mode: 0o600, backlog: 16)
    do {
      let channel = try ServerBootstrap(group: group)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(Teller(threads, document))
          }
        }
        .withBoundSocket(descriptor).wait()
      return Listener(address: .unix(path: path), channel: channel, socketFile: file)
    } catch {
      file.remove()
      throw ServerError(code: .system, address: path, reason: String(describing: error))
    }
  }

  /// Sends the document to one client, then closes. Discards everything that the client sends.
  private final class Teller: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let threads: NIOThreadPool
    private let document: @Sendable () -> [UInt8]

    init(_ threads: NIOThreadPool, _ document: @escaping @Sendable () -> [UInt8]) {
      self.threads = threads
      self.document = document
    }

    func channelActive(context: ChannelHandlerContext) {
      let channel = context.channel
      threads.submit { [document] state in
        let bytes = ByteBuffer(bytes: state == .active ? document() : [])
        channel.writeAndFlush(bytes).whenComplete { _ in channel.close(promise: nil) }
      }
      channel.eventLoop.scheduleTask(in: .seconds(Int64(patienceSeconds))) {
        channel.close(promise: nil)
      }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      context.close(promise: nil)
    }
  }
}
