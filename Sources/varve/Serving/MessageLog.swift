import CalendarTime
import ChunkStore
import Logging

/// Log messages as lines on standard error, with the time and what they are about.
struct MessageLog: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.notice

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    let details = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    let time = TimeZone.shown.text(of: Timestamp.now())
    Console.shared.message("\(time) \(event.level): \(event.message)\(details)")
  }
}
