import Glibc
import Synchronization

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
    let bytes: [UInt8]
    let client: RawClient
    let isSent = Atomic(false)

    init(_ bytes: [UInt8], _ client: RawClient) {
      self.bytes = bytes
      self.client = client
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
        let job = Unmanaged<Job>.fromOpaque(argument).takeRetainedValue()
        job.isSent.store(job.client.send(job.bytes), ordering: .releasing)
        return nil
      }, Unmanaged.passRetained(job).toOpaque())
  }

  /// - Returns: whether the server took all of it.
  func wait() -> Bool {
    pthread_join(thread, nil)
    return job.isSent.load(ordering: .acquiring)
  }
}
