import FileIO
import Glibc
import SystemPackage
import TestSupport
import VolumeTargets

/// The kinds of target for which every test of the common suite runs.
enum TargetKind: String, CaseIterable, Sendable, CustomStringConvertible {
  case newFile
  case replacedFile
  case blockDevice
  case nbd
  /// A server that accepts only whole blocks of 4 KiB, and at most 64 KiB at a time.
  case nbdInBlocks
  /// A server that cannot zero.
  case nbdWithoutZeroes
  /// A server that zeroes by writing, and reports this.
  case nbdWithSlowZeroes
  /// A server that does not report zeros.
  case nbdWithoutExtents
  /// A server that can only read and write.
  case nbdPlain
  case pipe

  var description: String { rawValue }

  /// Whether this machine can run the tests of this kind.
  var isAvailable: Bool { self != .blockDevice || LoopDevice.isAvailable }

  static var available: [TargetKind] { allCases.filter(\.isAvailable) }
  static var seekable: [TargetKind] { available.filter { $0 != .pipe } }

  /// Whether the target is larger than the volume.
  var hasRoomPastTheEnd: Bool { self != .newFile && self != .replacedFile && self != .pipe }
}

/// A target and its storage, so that a test can check the written bytes.
final class TargetUnderTest {
  /// Larger targets are filled with this byte, so that a test sees changes past the end.
  static let fillByte: UInt8 = 0xaa
  static let roomPastTheEnd = 3 << 20

  private var target: (any RestoreTarget)?
  let kind: TargetKind
  private let directory: TemporaryDirectory
  private let storage: FilePath
  private var device: LoopDevice?
  private var server: NBDServer?
  private let pipeReader: pid_t?

  init(_ kind: TargetKind, volumeSizeBytes: Int) throws {
    self.kind = kind
    directory = try TemporaryDirectory()
    storage = directory.appending("storage")
    let fifo = directory.appending("fifo")
    guard mkfifo(fifo.string, 0o600) == 0 else { throw Errno(rawValue: errno) }
    if kind.hasRoomPastTheEnd {
      // Use whole blocks of the largest block size.
      let size = (volumeSizeBytes + Self.roomPastTheEnd) / 4096 * 4096
      try directory.file("storage", [UInt8](repeating: Self.fillByte, count: size))
    }
    pipeReader =
      kind == .pipe ? try Command.spawn(["cp", fifo.string, storage.string]) : nil
    switch kind {
    case .newFile:
      target = try openTarget(storage.string, force: false)
    case .replacedFile:
      try directory.file("storage", [UInt8](repeating: Self.fillByte, count: 5000))
      target = try openTarget(storage.string, force: true)
    case .blockDevice:
      let device = try LoopDevice(storage)
      self.device = device
      target = try openTarget(device.path.string, force: false)
    case .nbd, .nbdInBlocks, .nbdWithoutZeroes, .nbdWithSlowZeroes, .nbdWithoutExtents, .nbdPlain:
      let server = try NBDServer(in: directory, Self.serverArguments(kind, storage))
      self.server = server
      target = try openTarget(server.uri, force: false)
    case .pipe:
      target = try openTarget(fifo.string, force: false)
    }
  }

  /// The arguments for an nbdkit that serves a file and is a server of this kind.
  static func serverArguments(_ kind: TargetKind, _ file: FilePath) -> [String] {
    switch kind {
    case .nbdInBlocks:
      [
        "--filter=blocksize-policy", "file", file.string, "blocksize-minimum=4096",
        "blocksize-preferred=4096", "blocksize-maximum=65536", "blocksize-error-policy=error",
      ]
    case .nbdWithoutZeroes: ["--filter=nozero", "file", file.string, "zeromode=none"]
    case .nbdWithSlowZeroes: ["--filter=nozero", "file", file.string, "zeromode=emulate"]
    case .nbdWithoutExtents: ["--filter=noextents", "file", file.string]
    case .nbdPlain:
      [
        "--filter=nozero", "--filter=noextents", "--filter=nofilter", "file", file.string,
        "zeromode=none",
      ]
    default: ["file", file.string]
    }
  }

  /// Runs `body` with the target, then reads its storage.
  func storedAfter(_ body: (any RestoreTarget) throws -> Void) throws -> [UInt8] {
    if let target { try body(target) }
    if let pipeReader {
      // The pipe ends when its last writer closes it: when the target is released.
      target = nil
      Command.wait(for: pipeReader)
    }
    return try (device?.path ?? storage).contents()
  }
}

/// An nbdkit that serves on a Unix socket. It is ended when the value is released.
final class NBDServer: Sendable {
  let uri: String
  let process: pid_t

  init(in directory: TemporaryDirectory, _ arguments: [String]) throws {
    let socket = directory.appending("socket-\(UInt32.random(in: .min ... .max))")
    let ready = directory.appending("ready-\(UInt32.random(in: .min ... .max))")
    uri = "nbd+unix:///?socket=\(socket)"
    process = try Command.spawn(
      [
        "nbdkit", "--foreground", "--exit-with-parent", "--unix", socket.string,
        "--pidfile", ready.string,
      ] + arguments)
    // nbdkit writes this file when it accepts connections.
    while access(ready.string, F_OK) != 0 { usleep(2_000) }
  }

  /// Ends the server at once, like a crash.
  func crash() { kill(process, SIGKILL) }

  deinit {
    kill(process, SIGKILL)
    Command.wait(for: process)
  }
}

extension RestoreTarget {
  func write(_ bytes: some Sequence<UInt8>, at offsetBytes: Int) throws {
    try Array(bytes).withUnsafeBytes { try write($0, at: UInt64(offsetBytes)) }
  }

  func read(_ count: Int, at offsetBytes: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0xee, count: count)
    try bytes.withUnsafeMutableBytes { try read(into: $0, at: UInt64(offsetBytes)) }
    return bytes
  }
}
