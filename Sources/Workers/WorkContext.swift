package import CalendarTime

/// What an operation is told by whoever runs it: one value for all that would otherwise be a parameter
/// each. Nothing else in the libraries holds a clock or knows the host, so no two can disagree.
package struct WorkContext: Sendable {
  /// The clock.
  package var now: @Sendable () -> Timestamp
  /// Where the operation runs.
  package var host: Host
  /// Asks the operation to stop.
  package var cancellation: CancellationFlag
  /// Hears of each phase of the operation.
  package var progress: any WorkProgress

  package init(
    host: Host, now: @escaping @Sendable () -> Timestamp = Timestamp.now,
    cancellation: CancellationFlag = CancellationFlag(),
    progress: any WorkProgress = UnseenProgress()
  ) {
    self.host = host
    self.now = now
    self.cancellation = cancellation
    self.progress = progress
  }

  /// The operation comes to `phase`.
  ///
  /// - Parameter total: in the unit of the phase; nil where it is not known, as with a pipe.
  /// - Returns: what counts the work of the phase.
  package func begin(_ phase: WorkPhase, total: UInt64? = nil) -> WorkMeter {
    let meter = WorkMeter(phase, total: total)
    progress.begin(meter)
    return meter
  }
}

/// A machine, and a process on it: what other users of a repository are told.
package struct Host: Sendable {
  package var name: String
  /// Tells the machine from others of its name; empty where it has no identifier.
  package var machine: String
  package var process: Int32

  package init(name: String, machine: String, process: Int32) {
    self.name = name
    self.machine = machine
    self.process = process
  }
}
