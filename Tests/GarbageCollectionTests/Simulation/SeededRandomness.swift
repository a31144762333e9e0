import Glibc
import Synchronization
import TestSupport

/// Random numbers that a seed repeats, in the place of OpenSSL's, for the threads that want them: names
/// of sessions and packs decide where a file lies and in which order files are listed.
final class SeededRandomness: Sendable {
  private let random: Mutex<SeededRandom>

  init(seed: UInt64) { random = Mutex(SeededRandom(seed: seed)) }

  /// From here on this thread gets its random numbers from here. The thread must end, or call
  /// ``release()``, before this value goes.
  func use() {
    Self.install
    pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque())
  }

  static func release() { pthread_setspecific(key, nil) }

  fileprivate static func fill(_ buffer: UnsafeMutableBufferPointer<UInt8>) {
    guard let pointer = pthread_getspecific(key) else {
      var system = SystemRandomNumberGenerator()
      for index in buffer.indices {
        buffer[index] = UInt8.random(in: .min ... .max, using: &system)
      }
      return
    }
    let source = Unmanaged<SeededRandomness>.fromOpaque(pointer).takeUnretainedValue()
    let bytes = source.random.withLock { $0.bytes(buffer.count) }
    _ = buffer.update(fromContentsOf: bytes)
  }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  /// `RAND_METHOD` (openssl/rand.h).
  private struct Method {
    var seed: (@convention(c) (UnsafeRawPointer?, Int32) -> Int32)?
    var bytes: (@convention(c) (UnsafeMutablePointer<UInt8>?, Int32) -> Int32)?
    var cleanup: (@convention(c) () -> Void)?
    var add: (@convention(c) (UnsafeRawPointer?, Int32, Double) -> Int32)?
    var pseudoRandom: (@convention(c) (UnsafeMutablePointer<UInt8>?, Int32) -> Int32)?
    var status: (@convention(c) () -> Int32)?
  }

  /// Looked up by name, since the headers call it deprecated; there for ever after.
  private static let install: Void = {
    typealias SetMethod = @convention(c) (UnsafeRawPointer) -> Int32
    guard let symbol = dlsym(nil, "RAND_set_rand_method") else {
      preconditionFailure("libcrypto has no RAND_set_rand_method")
    }
    let method = UnsafeMutablePointer<Method>.allocate(capacity: 1)
    let fill: @convention(c) (UnsafeMutablePointer<UInt8>?, Int32) -> Int32 = { start, count in
      SeededRandomness.fill(UnsafeMutableBufferPointer(start: start, count: Int(count)))
      return 1
    }
    method.initialize(
      to: Method(
        seed: nil, bytes: fill, cleanup: nil, add: nil, pseudoRandom: fill, status: { 1 }))
    _ = unsafeBitCast(symbol, to: SetMethod.self)(method)
  }()
}
