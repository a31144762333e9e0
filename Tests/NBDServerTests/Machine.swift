import NBDTestSupport
import Glibc
import Synchronization

/// Whether this process uses less than `limitBytes` more memory than `before`. Waits until other
/// tests in the same process have released their memory.
func hasGrown(since before: Int, byLessThan limitBytes: Int) -> Bool {
  eventually(seconds: 30) { residentBytes() - before < limitBytes }
}

/// Returns the memory that this process uses now.
func residentBytes() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 200)
  guard fgets(&line, 200, file) != nil else { return 0 }
  let fields = String(decoding: line.map(UInt8.init(bitPattern:)), as: UTF8.self).split(
    separator: " ")
  return (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
}

/// Raises the limit of open files for this process as far as the system allows.
/// - Returns: the new limit.
func allowOpenFiles(_ count: UInt) -> UInt {
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  limit.rlim_cur = max(limit.rlim_cur, min(rlim_t(count), limit.rlim_max))
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  return UInt(limit.rlim_cur)
}

/// Sends bytes on a separate thread.
final class Sending {
  private final class Job: Sendable {
    private static let stepBytes = 64 << 10

    let bytes: [UInt8]
    let client: RawClient
    let sentBytes = Atomic(0)

    init(_ bytes: [UInt8], _ client: RawClient) {
      self.bytes = bytes
      self.client = client
    }

    func run() {
      for start in stride(from: 0, to: bytes.count, by: Self.stepBytes) {
        let end = min(start + Self.stepBytes, bytes.count)
        guard client.send(Array(bytes[start..<end])) else { return }
        sentBytes.store(end, ordering: .releasing)
      }
    }
  }

  private let job: Job
  private var thread = pthread_t()

  init(_ bytes: [UInt8], by client: RawClient) {
    job = Job(bytes, client)
    pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(job).toOpaque())
  }

  /// The bytes that the server and the system have taken so far, in steps of 64 KiB.
  var sentBytes: Int { job.sentBytes.load(ordering: .acquiring) }

  /// Waits for the end.
  ///
  /// - Returns: whether the server took all bytes.
  func wait() -> Bool {
    pthread_join(thread, nil)
    return sentBytes == job.bytes.count
  }
}
