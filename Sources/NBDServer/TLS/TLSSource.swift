import Synchronization

/// The credentials that new connections get. Connections that are there keep those they began with.
final class TLSSource: Sendable {
  let settings: TLSSettings
  private let credentials: Mutex<TLSCredentials>

  /// Reads the files. Blocks.
  ///
  /// - Throws: ``TLSError``.
  init(_ settings: TLSSettings) throws(TLSError) {
    self.settings = settings
    credentials = Mutex(try TLSCredentials(settings))
  }

  var current: TLSCredentials { credentials.withLock { $0 } }

  /// Reads the files again. Where that fails, the old credentials stay. Blocks.
  ///
  /// - Throws: ``TLSError``.
  func reload() throws(TLSError) {
    let new = try TLSCredentials(settings)
    credentials.withLock { $0 = new }
  }

  /// Whether a client may come in that proved to be called all of `names`.
  func admits(_ names: [String]) -> Bool {
    settings.allowedNames.isEmpty || !settings.allowedNames.isDisjoint(with: names)
  }
}
