package import Workers

extension WorkPhase {
  package static let reading = WorkPhase("reading", in: .bytes)
  package static let storing = WorkPhase("storing", in: .bytes)
  package static let verifying = WorkPhase("verifying", in: .bytes)
  package static let restoring = WorkPhase("restoring", in: .bytes)
  /// Searching a target for bytes that are not zero but must be.
  package static let zeroing = WorkPhase("zeroing", in: .bytes)
  /// Reading the source where the revision has holes.
  package static let comparing = WorkPhase("comparing", in: .bytes)
}
