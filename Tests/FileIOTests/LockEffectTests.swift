import FileIO
import SystemPackage
import TestSupport
import Testing

/// A file that grants every lock, as on some network file systems.
private final class LocklessFile: ForwardingFile {
  let base: any OpenFile

  init(_ base: any OpenFile) { self.base = base }

  func tryLock(_ mode: LockMode) -> Bool { true }
  func lock(_ mode: LockMode) {}
}

@Test func aLockThatKeepsNobodyOutIsNoticed() throws {
  let fileSystem = WrappedFiles { LocklessFile($0) }
  let lock = try fileSystem.lockFile("/lock", .exclusive)
  #expect(try !fileSystem.lockExcludesOthers(on: "/lock"))
  lock.close()
}

@Test(arguments: FileSystemKind.allCases)
func aLockThatKeepsOthersOutIsRecognised(_ kind: FileSystemKind) throws {
  let place = try kind.makePlace()
  let path = place.appending("lock")
  let lock = try place.fileSystem.lockFile(path, .exclusive)
  #expect(try place.fileSystem.lockExcludesOthers(on: path))
  #expect(try place.fileSystem.tryLockFile(path, .shared) == nil)
  lock.close()
  #expect(try place.fileSystem.tryLockFile(path, .exclusive) != nil)
}

/// A program that finds a file with such a name may remove it.
@Test(
  arguments: [
    ".tmp-", ".tmp-x", ".tmp-0123456789abcde", ".tmp-0123456789abcdef0", ".tmp-0123456789ABCDEF",
    "tmp-0123456789abcdef", ".tmp-0123456789abcde/", ".tmp-notes.txt",
  ])
func aNameThatOnlyLooksTemporaryIsNot(_ name: String) {
  #expect(!FilePath.isTemporaryName(name))
}

@Test func aTemporarySiblingHasATemporaryName() throws {
  let name = try #require(FilePath("/a/file").temporarySibling().lastComponent?.string)
  #expect(FilePath.isTemporaryName(name))
}
