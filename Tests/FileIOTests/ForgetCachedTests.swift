import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing

/// Whether the temporary directory is on a disk: on tmpfs the page cache is the storage.
private let hasPageCache: Bool = {
  guard let directory = try? TemporaryDirectory(),
    let path = try? directory.file("probe", [UInt8](repeating: 1, count: 4096)),
    let file = try? Descriptor(opening: path, flags: O_RDONLY)
  else { return false }
  try? file.synchronize()
  file.advise(.notNeeded)
  return (try? file.residentBlocks(at: 0, lengthBytes: 4096, blockBytes: 4096)) == [false]
}()

@Test(.enabled(if: hasPageCache, "the temporary directory lies in memory"))
func aForgottenFileIsReadFromStorage() throws {
  let directory = try TemporaryDirectory()
  let path = try directory.file("pack", [UInt8](repeating: 7, count: 1 << 20))
  let file = try POSIXFileSystem().openFile(path, for: .readingAndWriting)
  try file.synchronizeData()
  let probe = try Descriptor(opening: path, flags: O_RDONLY)
  #expect(try probe.residentBlocks(at: 0, lengthBytes: 1 << 20, blockBytes: 1 << 20) == [true])
  file.forgetCached()
  #expect(
    try probe.residentBlocks(at: 0, lengthBytes: 1 << 20, blockBytes: 4096).allSatisfy { !$0 })
}
