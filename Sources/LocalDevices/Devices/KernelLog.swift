import FileIO
import Glibc
import SystemPackage

/// The messages of the kernel since this object was created. There are none if this process may not
/// read the log.
///
/// mount(2) returns the same error for a dozen reasons; file systems write the reason to the log.
package final class KernelLog {
  private static let recordLimitBytes = 8 << 10
  private static let lineLimit = 6

  /// The open log; negative if it cannot be read.
  private let descriptor: CInt

  package init() {
    let opened = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    descriptor = opened
    if opened >= 0 { lseek(opened, 0, SEEK_END) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The last few new messages about a device, such as `/dev/nbd0p1`, or about a type of file
  /// system.
  package func lines(about device: String, type: String?) -> [String] {
    let name = AbsolutePath.of(device).split(separator: "/").last.map(String.init) ?? device
    return newLines().filter { line in
      ["(\(name))", "device \(name)", "\(name):"].contains(where: line.contains)
        || type.map { line.lowercased().hasPrefix($0) } ?? false
    }.suffix(Self.lineLimit)
  }

  /// Reads all new messages. Each read(2) returns one record: `PRIORITY,NUMBER,TIME,…;MESSAGE`,
  /// followed by lines of properties (Documentation/ABI/testing/dev-kmsg).
  private func newLines() -> [String] {
    var lines: [String] = []
    var record = [UInt8](repeating: 0, count: Self.recordLimitBytes)
    while true {
      let count = read(descriptor, &record, record.count)
      // EPIPE: records were overwritten meanwhile.
      if count < 0, errno == EPIPE || errno == EINTR { continue }
      guard count > 0 else { return lines }
      let text = String(decoding: record.prefix(count), as: UTF8.self)
      if let semicolon = text.firstIndex(of: ";") {
        lines.append(String(text[text.index(after: semicolon)...].prefix { !$0.isNewline }))
      }
    }
  }
}
