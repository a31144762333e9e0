import NBDTestSupport
import Glibc
import Synchronization

/// Whether this process has grown by less than so much since it used `before`, or does once other
/// tests that run beside this one have given back what they use.
func hasGrown(since before: Int, byLessThan limitBytes: Int) -> Bool {
  eventually(seconds: 30) { residentBytes() - before < limitBytes }
}

/// Memory of this process that is in use now.
func residentBytes() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 200)
  guard fgets(&line, 200, file) != nil else { return 0 }
  let fields = String(decoding: line.map(UInt8.init(bitPattern:)), as: UTF8.self).split(
    separator: " ")
  return (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
}

/// Lets this process have so many files open; fewer where the machine has a lower limit.
/// - Returns: how many it may have.
func allowOpenFiles(_ count: UInt) -> UInt {
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  limit.rlim_cur = max(limit.rlim_cur, min(rlim_t(count), limit.rlim_max))
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  return UInt(limit.rlim_cur)
}

/// Sends on a thread of its own.
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

  /// What the server, and the system between, have taken so far, in steps of 64 KiB.
  var sentBytes: Int { job.sentBytes.load(ordering: .acquiring) }

  /// - Returns: whether the server took all of it.
  func wait() -> Bool {
    pthread_join(thread, nil)
    return sentBytes == job.bytes.count
  }
}
