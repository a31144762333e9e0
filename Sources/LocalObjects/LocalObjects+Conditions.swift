internal import CXXHash
import FileIO
package import ObjectStorage
import SystemPackage

/// Versions are hashes of the content: a file's time is too coarse, and its number comes again.
extension LocalObjects {
  /// As many names as a bucket lists at once.
  private static let pageLength = 1000

  package func find(_ key: ObjectKey, limitBytes: Int) throws(StorageError) -> VersionedBytes? {
    do throws(StorageError) {
      let bytes = try read(key, limitBytes: limitBytes)
      return VersionedBytes(bytes, ObjectVersion(hashing: bytes))
    } catch  where error.code == .notFound {
      return nil
    }
  }

  package func page(of area: ObjectArea, after name: String) throws(StorageError) -> ObjectPage {
    // The others begin with their first object.
    let isRequired = ObjectArea.required.contains(area)
    let listed = try isRequired ? list(area) : listIfThere(area) ?? []
    let names = listed.filter { $0.kind == .object && $0.key.name > name }.map(\.key.name)
    return ObjectPage(
      Array(names.prefix(Self.pageLength)), hasMore: names.count > Self.pageLength)
  }

  /// Puts under a condition exclude each other by the lock of the area, which the caller must not have. The age
  /// means nothing: no request is on its way when the caller dies or sleeps.
  package func put(
    _ bytes: [UInt8], as key: ObjectKey, if condition: PutCondition, age: Duration
  ) throws(StorageError) -> ObjectVersion? {
    guard condition != .always else {
      // The others are required, or whoever puts something there has locked them.
      if key.area == .pins || key.area == .condemned { try make(key.area) }
      try write(bytes, as: key)
      return ObjectVersion(hashing: bytes)
    }
    guard key.area.admits(key.name) else {
      let words = "no object in '\(path(of: key.area))' can be called '\(key.name)'"
      throw StorageError(.wrongKind, at: place(of: key), cause: Hindrance(description: words))
    }
    try make(key.area)
    let lock = try lock(key.area)
    defer { lock.release() }
    guard try holds(condition, of: key) else { return nil }
    try reportingFileErrors { () throws(FileError) in
      if key.area.holdsPacks { try layout.makeShard(of: key, on: fileSystem) }
    }
    try write(bytes, as: key)
    return ObjectVersion(hashing: bytes)
  }

  private func holds(_ condition: PutCondition, of key: ObjectKey) throws(StorageError) -> Bool {
    switch condition {
    case .always: return true
    case .absent: return try !exists(key)
    case .version(let version):
      guard let sizeBytes = try sizeBytes(of: key) else { return false }
      return try find(key, limitBytes: Int(clamping: sizeBytes))?.version == version
    }
  }

  private func write(_ bytes: [UInt8], as key: ObjectKey) throws(StorageError) {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.writeDurably(
        bytes, to: layout.path(of: key), permissions: RepositoryLayout.filePermissions)
    }
  }
}

extension ObjectVersion {
  /// XXH3-128: whoever may write to the directory may change anything anyway.
  fileprivate init(hashing bytes: [UInt8]) {
    let hash = bytes.span.bytes.withUnsafeBytes { XXH3_128bits($0.baseAddress, $0.count) }
    self.init("\(hash.high64)-\(hash.low64)-\(bytes.count)")
  }
}
