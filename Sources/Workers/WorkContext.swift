package import CalendarTime

/// The clock, the host, the cancellation and the progress of an operation. Its caller passes them
/// as one value instead of four parameters. The libraries have no other clock and no other name of
/// the host, so two parts of an operation cannot disagree.
package struct WorkContext: Sendable {
  /// Returns the current time.
  package var now: @Sendable () -> Timestamp
  /// The machine and process that run the operation.
  package var host: Host
  /// Asks the operation to stop.
  package var cancellation: CancellationFlag
  /// Receives a meter for each phase of the operation.
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

  /// Begins a phase of the operation.
  ///
  /// - Parameter total: the length of the phase in its unit; nil if it is not known, as with a
  ///   pipe.
  /// - Returns: a meter that counts the work of the phase.
  package func begin(_ phase: WorkPhase, total: UInt64? = nil) -> WorkMeter {
    let meter = WorkMeter(phase, total: total)
    progress.begin(meter)
    return meter
  }
}

/// A machine, and a process on it, as other users of a repository see them.
package struct Host: Sendable {
  package var name: String
  /// Distinguishes machines of the same name; empty if the machine has no identifier.
  package var machine: String
  package var process: Int32

  package init(name: String, machine: String, process: Int32) {
    self.name = name
    self.machine = machine
    self.process = process
  }
}
