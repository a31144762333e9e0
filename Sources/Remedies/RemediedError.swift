/// An error that keeps its cause, and may know what a user can do.
///
/// The description of an error tells what its cause said, and never names a remedy. A front end shows
/// the description and then all of ``Remedy/of(_:)``, so that a remedy is neither lost nor shown twice,
/// however many errors wrap the one that knows it.
package protocol RemediedError: Error {
  /// The error that led to this one.
  var cause: (any Error)? { get }
  /// What helps against this error, besides what helps against its cause.
  var remedy: Remedy? { get }
}

extension Remedy {
  /// What a user can do about an error: the remedies of its causes, then its own, each once.
  package static func of(_ error: any Error) -> [Remedy] {
    guard let error = error as? any RemediedError else { return [] }
    return of(cause: error.cause, and: error.remedy)
  }

  static func of(cause: (any Error)?, and own: Remedy?) -> [Remedy] {
    let inner = cause.map { of($0) } ?? []
    guard let own, !inner.contains(own) else { return inner }
    return inner + [own]
  }
}
