import Synchronization

/// The credentials for new connections. Existing connections keep the credentials that they started
/// with.
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

  /// Reads the files again. If this fails, the old credentials stay in use. Blocks.
  ///
  /// - Throws: ``TLSError``.
  func reload() throws(TLSError) {
    let new = try TLSCredentials(settings)
    credentials.withLock { $0 = new }
  }

  /// Whether a client that proved all of `names` may connect.
  func admits(_ names: [String]) -> Bool {
    settings.allowedNames.isEmpty || !settings.allowedNames.isDisjoint(with: names)
  }
}
