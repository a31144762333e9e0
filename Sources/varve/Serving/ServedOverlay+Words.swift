import Administration
import Overlays

extension ServedOverlay {
  /// Removes an overlay that was made for a server which then did not start, and says what became of it.
  func withdraw() {
    switch removeIfUnused() {
    case .removed(let leftPin):
      Console.shared.message(
        "the server did not start, so its new overlay '\(overlay.name)' was removed")
      leftPin?.warn()
    case .stays(let error):
      Console.shared.warning(
        "the new overlay '\(overlay.name)' could not be removed: \(error.textWithRemedies)")
    case nil: break
    }
  }
}
