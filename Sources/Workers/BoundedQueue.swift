import DequeModule

/// A first-in first-out queue between threads, with at most `limit` elements.
///
/// Consumers wait only while the queue is empty, producers only while it is full. So waiting
/// threads are woken only when the queue stops being empty or full.
package final class BoundedQueue<Element: Sendable>: Sendable {
  private struct State {
    var elements = Deque<Element>()
    var isFinished = false
    var failure: (any Error)?

    var isClosed: Bool { isFinished || failure != nil }
  }

  private let limit: Int
  private let state = Monitor(State())

  /// - Parameter limit: the most elements, at least 1.
  package init(limit: Int) {
    precondition(limit >= 1, "a queue holds at least one element")
    self.limit = limit
  }

  /// The number of elements at this moment.
  package var count: Int { state.withLock { $0.elements.count } }

  /// Appends an element; waits while the queue is full.
  ///
  /// Throws the error given to ``cancel(with:)``, or ``WorkersError`` with code `closed` after
  /// ``finish()``. An element that was refused is not in the queue.
  package func push(_ element: Element) throws {
    let wasEmpty = try state.withLock(when: { $0.isClosed || $0.elements.count < limit }) { state in
      if let failure = state.failure { throw failure }
      if state.isFinished { throw WorkersError.closed("the queue") }
      state.elements.append(element)
      return state.elements.count == 1
    }
    if wasEmpty { state.broadcast() }
  }

  /// Appends an element unless the queue is full or closed; never waits. For callers that must not
  /// block, such as an event loop.
  ///
  /// - Returns: whether the element is in the queue.
  package func tryPush(_ element: Element) -> Bool {
    let (isAccepted, wasEmpty) = state.withLock { state in
      guard !state.isClosed, state.elements.count < limit else { return (false, false) }
      state.elements.append(element)
      return (true, state.elements.count == 1)
    }
    if wasEmpty { state.broadcast() }
    return isAccepted
  }

  /// The oldest element; waits while there is none. Nil if the queue is finished and empty.
  ///
  /// Throws the error given to ``cancel(with:)``.
  package func pop() throws -> Element? {
    let (element, wasFull) = try state.withLock(
      when: { $0.isClosed || !$0.elements.isEmpty },
      { state in
        if let failure = state.failure { throw failure }
        return (state.elements.popFirst(), state.elements.count == limit - 1)
      })
    if wasFull { state.broadcast() }
    return element
  }

  /// Ends the queue: its elements can still be taken, new ones are refused.
  package func finish() {
    state.withLock { $0.isFinished = true }
    state.broadcast()
  }

  /// Ends the queue at once and drops its elements. Every later or waiting call of ``push(_:)`` and
  /// ``pop()`` throws `error`. If this is called twice, the error of the first call counts.
  package func cancel(with error: any Error) {
    state.withLock { state in
      if state.failure == nil { state.failure = error }
      state.elements.removeAll()
    }
    state.broadcast()
  }
}
