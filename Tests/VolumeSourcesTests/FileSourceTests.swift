import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing
import VolumeSources
import Workers

@Suite struct FileSourceTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test(arguments: [0, 1, 511, 512, 4097, (1 << 20) + 3, (9 << 20) - 1])
  func readsWhatIsThere(count: Int) throws {
    var random = SeededRandom()
    let bytes = random.bytes(count)
    let source = try openSource(directory.file("disk.raw", bytes).string)
    #expect(source.kind == .file)
    #expect(source.sizeBytes == UInt64(count))
    #expect(source.canBeReadAgain)
    #expect(try source.readWhole(pieceBytes: 300_000) == bytes, "\(random)")
    #expect(try source.readWhole() == bytes, "read again, \(random)")
  }

  @Test func anEmptyDiskHasNoExtents() throws {
    let source = try openSource(directory.file("disk.raw", []).string)
    #expect(try source.nextExtent(at: 0) == nil)
    #expect(try source.read(10, at: 0).isEmpty)
    try source.finish()
  }

  @Test func holesAreKnownAndNothingIsMistakenForOne() throws {
    var random = SeededRandom()
    let path = directory.appending("disk.raw")
    let size = (24 << 20) + 777
    try path.truncate(toBytes: UInt64(size))
    var expected = [UInt8](repeating: 0, count: size)
    for _ in 0..<12 {
      let start = Int.random(in: 0..<size - 100_000, using: &random)
      let bytes = random.bytes(Int.random(in: 1...100_000, using: &random))
      expected.replaceSubrange(start..<start + bytes.count, with: bytes)
      try path.write(bytes, at: UInt64(start))
    }
    let source = try openSource(path.string)
    let extents = try source.extents()
    #expect(extents.first?.offsetBytes == 0)
    #expect(extents.last?.endBytes == UInt64(size))
    let holeBytes = extents.filter(\.isHole).reduce(0) { $0 + $1.lengthBytes }
    #expect(holeBytes > UInt64(size) * 8 / 10, "holes should be found, \(random)")
    #expect(try source.readWhole() == expected, "\(random)")
  }

  @Test func extentsBeginWhereverTheyAreAskedFor() throws {
    let path = directory.appending("disk.raw")
    try path.truncate(toBytes: 8 << 20)
    try path.write([UInt8](repeating: 1, count: 1 << 20), at: 4 << 20)
    let source = try openSource(path.string)
    let offset: UInt64 = (4 << 20) + 5
    #expect(
      try source.nextExtent(at: offset)
        == SourceExtent(offsetBytes: offset, lengthBytes: (1 << 20) - 5, isHole: false))
    #expect(
      try source.nextExtent(at: 3)
        == SourceExtent(offsetBytes: 3, lengthBytes: (4 << 20) - 3, isHole: true))
    #expect(try source.nextExtent(at: 8 << 20) == nil)
    #expect(try source.nextExtent(at: .max) == nil)
  }

  static let hugeDirectory = "/dev/shm"

  @Test(
    .enabled(
      if: access(hugeDirectory, W_OK) == 0,
      "needs tmpfs at /dev/shm: other file systems hold no files of 20 TiB"))
  func twentyTebibytesOfNothingAreThreeExtents() throws {
    let size: UInt64 = 20 << 40
    let path = FilePath(Self.hugeDirectory).appending("varve-test-\(getpid())")
    try path.truncate(toBytes: size)
    defer { try? POSIXFileSystem().remove(path) }
    try path.write([1], at: 17 << 40)
    let source = try openSource(path.string)
    let extents = try source.extents()
    #expect(extents.map(\.isHole) == [true, false, true])
    #expect(extents.last?.endBytes == size)
    #expect(try source.read(2, at: (17 << 40) - 1) == [0, 1])
    #expect(try source.read(2, at: size - 1) == [0])
    try source.finish()
  }

  // MARK: - Files that are not volumes

  @Test func refusesWhatIsNoVolume() throws {
    let socketPath = directory.appending("socket")
    let server = try socketListening(at: socketPath)
    defer { close(server) }
    for (argument, found) in [
      (directory.path.string, "a directory"), (socketPath.string, "a socket"),
      ("/dev/zero", "a character device"),
    ] {
      let error = #expect(throws: VolumeSourceError.self) { _ = try openSource(argument) }
      #expect(error?.code == .notAVolume)
      #expect(error?.source == argument)
      #expect(error?.description.contains("cannot back up \(argument): it is \(found)") == true)
    }
  }

  @Test func aMissingFileIsNotFound() throws {
    let path = directory.appending("missing").string
    let error = #expect(throws: VolumeSourceError.self) { _ = try openSource(path) }
    #expect(error?.code == .notFound)
    #expect(
      error?.description
        == "cannot open \(path) to back it up: No such file or directory (ENOENT)")
  }

  @Test(.enabled(if: geteuid() == 0, "needs root, to become somebody else on one thread"))
  func aFileOfSomebodyElseIsPermissionDenied() throws {
    let path = try directory.file("disk.raw", [1])
    #expect(chmod(path.string, 0o600) == 0)
    #expect(chmod(directory.path.string, 0o755) == 0)
    let code = Monitor<VolumeSourceError.Code?>(nil)
    try WorkerThread(name: "somebody") {
      Self.becomeNobodyOnThisThread()
      do throws(VolumeSourceError) {
        _ = try openSource(path.string)
      } catch {
        code.withLock { $0 = error.code }
      }
    }.join()
    #expect(code.withLock { $0 } == .permissionDenied)
  }

  // MARK: - Files that change while they are read

  @Test(arguments: [(100_000, 100_001), (100_000, 99_999), (0, 1), (1, 0)])
  func aChangedSizeIsAnError(before: Int, after: Int) throws {
    let path = try directory.file("disk.raw", [UInt8](repeating: 7, count: before))
    let source = try openSource(path.string)
    _ = try source.read(before, at: 0)
    try path.truncate(toBytes: UInt64(after))
    let error = #expect(throws: VolumeSourceError.self) { try source.finish() }
    #expect(error?.code == .sizeChanged)
    #expect(error?.description.contains("from \(before) to \(after) bytes") == true)
    #expect(error?.description.contains("snapshot") == true)
  }

  @Test func endingEarlyIsAnErrorAtOnce() throws {
    let path = try directory.file("disk.raw", [UInt8](repeating: 7, count: 100_000))
    let source = try openSource(path.string)
    try path.truncate(toBytes: 60_000)
    let error = #expect(throws: VolumeSourceError.self) { _ = try source.read(50_000, at: 50_000) }
    #expect(error?.code == .sizeChanged)
    #expect(error?.offsetBytes == 60_000)
  }

  @Test func whatIsAppendedIsNotRead() throws {
    let path = try directory.file("disk.raw", [1, 2, 3])
    let source = try openSource(path.string)
    try path.write([4, 5, 6], at: 3)
    #expect(try source.read(10, at: 0) == [1, 2, 3])
    #expect(try source.extents().last?.endBytes == 3)
  }

  @Test(arguments: [true, false])
  func aReplacedOrRemovedFileIsAnError(isReplaced: Bool) throws {
    let path = try directory.file("disk.raw", [1, 2, 3])
    let source = try openSource(path.string)
    if isReplaced {
      try POSIXFileSystem().rename(directory.file("other", [1, 2, 3]), to: path)
    } else {
      try POSIXFileSystem().remove(path)
    }
    let error = #expect(throws: VolumeSourceError.self) { try source.finish() }
    #expect(error?.code == .replaced)
  }

  @Test func aLinkToTheSameFileIsTheSameVolume() throws {
    try directory.file("disk.raw", [1])
    let link = directory.appending("link")
    #expect(symlink("disk.raw", link.string) == 0)
    let source = try openSource(link.string)
    #expect(try source.readWhole() == [1])
  }

  /// Accesses files as user 65534, without root's privileges. (setfsuid(2), which Swift's Glibc
  /// module does not have)
  private static func becomeNobodyOnThisThread() {
    typealias SetUser = @convention(c) (uid_t) -> CInt
    let symbol = dlsym(nil, "setfsuid")
    _ = unsafeBitCast(symbol, to: SetUser?.self)?(65_534)
  }

  private func socketListening(at path: FilePath) throws -> CInt {
    let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.string.utf8) }
    let outcome = withUnsafePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(server, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(outcome == 0)
    return server
  }
}
