import DequeModule

/// The state that the threads of one ``OrderedPipeline`` run share.
///
/// Items are numbered in the order of production. `results` is a ring: item `n` has slot
/// `n % window`. At most `window` consecutive items are in flight, so the slot is free again for
/// item `n + window`.
final class PipelineLine<Input: Sendable, Output: Sendable>: Sendable {
  private struct State {
    var waiting = Deque<(number: Int, input: Input)>()
    var results: [Output?]
    var producedCount = 0
    var consumedCount = 0
    var isFinished = false
    var failure: (any Error)?

    var nextSlot: Int { consumedCount % results.count }
    var isDrained: Bool { isFinished && consumedCount == producedCount }
  }

  private let window: Int
  private let cancellation: CancellationFlag?
  private let state: Monitor<State>

  init(window: Int, cancellation: CancellationFlag?) {
    precondition(window >= 1, "a pipeline has room for at least one item")
    self.window = window
    self.cancellation = cancellation
    self.state = Monitor(State(results: Array(repeating: nil, count: window)))
  }

  /// The first error of the run.
  var failure: (any Error)? { state.withLock { $0.failure } }

  // MARK: - Producer

  func put(_ input: Input) throws {
    try cancellation?.check()
    try state.withLock(
      when: { $0.failure != nil || $0.producedCount - $0.consumedCount < window },
      { state in
        if state.failure != nil { throw WorkersError.closed("the pipeline") }
        state.waiting.append((state.producedCount, input))
        state.producedCount += 1
      })
    state.broadcast()
  }

  /// Records that the producer has ended, with or without an error.
  func finish() {
    state.withLock { $0.isFinished = true }
    state.broadcast()
  }

  // MARK: - Workers

  /// The next item to transform; nil if there will be none.
  func take() throws -> (number: Int, input: Input)? {
    let item = state.withLock(
      when: { $0.failure != nil || $0.isFinished || !$0.waiting.isEmpty },
      { state in state.failure == nil ? state.waiting.popFirst() : nil })
    if item != nil { try cancellation?.check() }
    return item
  }

  func deliver(_ output: Output, number: Int) {
    let isNext = state.withLock { state in
      state.results[number % window] = output
      return number == state.consumedCount
    }
    // Only the consumer waits for results, and only for the next one.
    if isNext { state.broadcast() }
  }

  // MARK: - Consumer

  /// Waits for the next result and consumes it; false if there are no more.
  func consumeNext(_ consume: (Output) throws -> Void) throws -> Bool {
    let output = state.withLock(
      when: { $0.failure != nil || $0.isDrained || $0.results[$0.nextSlot] != nil },
      { state -> Output? in
        guard state.failure == nil, !state.isDrained else { return nil }
        return state.results[state.nextSlot].take()
      })
    guard let output else { return false }
    try cancellation?.check()
    try consume(output)
    state.withLock { $0.consumedCount += 1 }
    state.broadcast()
    return true
  }

  // MARK: - Errors

  /// Stops all stages. If this is called twice, the first error counts.
  func stop(with error: any Error) {
    state.withLock { state in
      if state.failure == nil { state.failure = error }
      state.waiting.removeAll()
    }
    state.broadcast()
  }

  /// Runs a stage. An error in it stops the other stages.
  func stoppingOnError(_ stage: () throws -> Void) {
    do { try stage() } catch { stop(with: error) }
  }
}
