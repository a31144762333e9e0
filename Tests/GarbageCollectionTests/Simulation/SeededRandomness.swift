import Glibc
import Synchronization
import TestSupport

/// Random numbers from a seed, in place of OpenSSL's, for threads that use them. They determine the
/// names of sessions and packs, and these determine the paths of files and the order of lists.
final class SeededRandomness: Sendable {
  private let random: Mutex<SeededRandom>

  init(seed: UInt64) { random = Mutex(SeededRandom(seed: seed)) }

  /// Makes this thread use these random numbers from now on. The thread must end, or call
  /// ``release()``, before this value is destroyed.
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

  /// The function is found by name, because the headers mark it as deprecated. It stays installed
  /// forever.
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
