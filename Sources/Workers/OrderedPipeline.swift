/// One producer, several parallel workers, and one consumer. The consumer gets the results in the
/// order in which the producer made the items.
///
///     produce ──▶ ≤ window items in flight ──▶ transform (× workers) ──▶ consume
///     own thread                               own threads              calling thread
///
/// An item is in flight from the moment at which the producer passes it on until `consume` has
/// returned for it. So `window` limits the memory of the whole run.
package enum OrderedPipeline {
  /// Runs the three stages to their end.
  ///
  /// The first error of any stage stops the other stages at their next item. This function throws
  /// the error after every thread has ended. Results before the error may or may not have been
  /// consumed.
  ///
  /// - Parameters:
  ///   - workers: the number of threads that transform, at least 1.
  ///   - window: the most items in flight, at least 1. If it is less than `workers`, some workers
  ///     are idle.
  ///   - name: the threads are called `NAME-in`, `NAME-0`, `NAME-1` and so on.
  ///   - cancellation: checked for each item in every stage.
  ///   - makeWorker: makes the state that one worker keeps between items. Runs on that worker's
  ///     thread.
  ///   - produce: calls `sink` with each item. `sink` waits while the window is full, and throws if
  ///     the run was stopped.
  ///   - transform: transforms one item. Runs on several threads at once.
  ///   - consume: gets one result. Runs on the calling thread.
  package static func run<Input: Sendable, Output: Sendable, State: ~Copyable>(
    workers: Int,
    window: Int,
    name: String,
    cancellation: CancellationFlag? = nil,
    makeWorker: @escaping @Sendable () throws -> State,
    produce: @escaping @Sendable (_ sink: (Input) throws -> Void) throws -> Void,
    transform: @escaping @Sendable (inout State, Input) throws -> Output,
    consume: (Output) throws -> Void
  ) throws {
    precondition(workers >= 1, "a pipeline has at least one worker")
    let line = PipelineLine<Input, Output>(window: window, cancellation: cancellation)

    let producer = try WorkerThread(name: "\(name)-in") {
      line.stoppingOnError { try produce { try line.put($0) } }
      line.finish()
    }
    defer { producer.join() }

    let crew = try [WorkerThread].starting(
      count: workers, name: name,
      onFailure: { line.stop(with: WorkersError.closed("the pipeline")) },
      work: { _ in
        line.stoppingOnError {
          var state = try makeWorker()
          while let (number, input) = try line.take() {
            line.deliver(try transform(&state, input), number: number)
          }
        }
      })
    defer { for thread in crew { thread.join() } }

    line.stoppingOnError { while try line.consumeNext(consume) {} }
    if let failure = line.failure { throw failure }
  }

  /// Runs the three stages with workers that keep no state between items.
  package static func run<Input: Sendable, Output: Sendable>(
    workers: Int,
    window: Int,
    name: String,
    cancellation: CancellationFlag? = nil,
    produce: @escaping @Sendable (_ sink: (Input) throws -> Void) throws -> Void,
    transform: @escaping @Sendable (Input) throws -> Output,
    consume: (Output) throws -> Void
  ) throws {
    try run(
      workers: workers, window: window, name: name, cancellation: cancellation,
      makeWorker: {}, produce: produce, transform: { _, input in try transform(input) },
      consume: consume)
  }
}
