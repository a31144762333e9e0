/// An object that is open for reading. Reads carry their offset, so several threads can share one.
package protocol StoredObject: AnyObject, Sendable {
  /// Fills the buffer from `offsetBytes` on; returns how much was read, which is less than asked for
  /// only at the end of the object, and 0 at or past it.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(StorageError) -> Int

  func sizeBytes() throws(StorageError) -> UInt64

  /// Whether the object was removed, so that closing it frees its space; false where that cannot be
  /// told.
  func isRemoved() -> Bool

  /// Asks for the next read to come from storage, not from memory. Advice: nothing depends on it but
  /// what a verification is worth.
  func forgetCached()

  /// Closes the object; closing twice is harmless, and deinitialisation closes too. Later reads fail
  /// with `.closed`; reads that other threads have begun come to their end first.
  func close()
}

/// An object that is being written, and gets its name at the end.
package protocol ObjectUpload: AnyObject {
  /// Adds bytes at the end.
  func append(_ bytes: [UInt8]) throws(StorageError)

  /// Gives the object its name. When this returns, it survives a power failure.
  func finish(as name: String) throws(StorageError)

  /// Drops what was written, unless it has its name. To be called after every failure.
  func cancel()
}

/// A lock on an area, held until it is released or this process ends.
package protocol StorageLock: AnyObject, Sendable {
  /// Releasing twice is harmless, and deinitialisation releases too.
  func release()
}

/// A session on the list of those who use a repository, until it is ended or this process ends.
package protocol StorageSession: AnyObject, Sendable {
  /// Takes the session off the list; ending twice is harmless.
  func end()
}
