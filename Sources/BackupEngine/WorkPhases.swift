package import Workers

extension WorkPhase {
  package static let reading = WorkPhase("reading", in: .bytes)
  package static let storing = WorkPhase("storing", in: .bytes)
  package static let verifying = WorkPhase("verifying", in: .bytes)
  package static let restoring = WorkPhase("restoring", in: .bytes)
  /// Looking for what is not zero in a target, and has to be.
  package static let zeroing = WorkPhase("zeroing", in: .bytes)
  /// Reading the source where the revision has holes.
  package static let comparing = WorkPhase("comparing", in: .bytes)
}
