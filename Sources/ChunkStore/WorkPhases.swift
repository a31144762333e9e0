package import Workers

extension WorkPhase {
  /// Reading packs that the index does not list.
  package static let indexing = WorkPhase("indexing", in: .items)
}

extension WorkContext {
  /// Begins the comparison of the index with the packs.
  ///
  /// - Returns: what is to be told of each step; it stops the comparison where that is asked for.
  package func comparingIndex() -> (IndexProgress) throws -> Void {
    let meter = begin(.indexing)
    return { [cancellation] step in
      try cancellation.check()
      meter.advance(to: UInt64(step.donePacks), of: UInt64(step.totalPacks))
    }
  }
}
