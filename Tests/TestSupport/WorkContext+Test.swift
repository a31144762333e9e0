package import CalendarTime
package import Workers

extension WorkContext {
  /// For a test: a machine of its own, and a clock that stands still.
  package static func testing(
    now: @escaping @Sendable () -> Timestamp = { 1_800_000_000_000_000_000 },
    cancellation: CancellationFlag = CancellationFlag()
  ) -> WorkContext {
    WorkContext(
      host: Host(name: "tester", machine: "0123456789abcdef", process: 4711), now: now,
      cancellation: cancellation)
  }

  /// The same with the clock of the machine, for revisions each of which is newer than the one before.
  package static func testingNow(
    cancellation: CancellationFlag = CancellationFlag()
  ) -> WorkContext {
    testing(now: Timestamp.now, cancellation: cancellation)
  }
}
