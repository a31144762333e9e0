import CalendarTime
import Administration
import ChildProcesses
import ChunkFormat
import ChunkStore
import FileIO
import Overlays
import SystemPackage

/// What a repository has that a word can be completed to.
///
/// Nobody is asked for a passphrase, and none is tried, which takes longer than anybody waits: of an
/// encrypted repository only a key file opens names; ids are seen without.
struct CompletionCandidates {
  private static let selectors = ["latest", "first", "today", "yesterday"]

  private let root: FilePath
  private let keyFile: String?
  private let overlayDirectory: String?

  init(options: [String: String]) {
    root = FilePath(
      escaped: options["repository"] ?? Environment[RepositoryLocation.variable] ?? ".")
    keyFile = options["key-file"]
    overlayDirectory = options["overlay-directory"]
  }

  /// Those that begin with `text`; none where the repository cannot be read.
  func candidates(for subject: CompletionSubject, _ text: String) -> [String] {
    let all =
      switch subject {
      case .revision: revisions(text)
      case .job: Set(entries.map(\.revision.job)).sorted()
      case .tag: Set(entries.flatMap(\.marks.tags)).sorted()
      case .overlay: overlays
      case .pin: (names?.pins ?? []).map { String($0.description.prefix(8)) }
      case .key: (names?.keys ?? []).map(\.short)
      }
    return all.filter { $0.hasPrefix(text) }
  }

  private var names: RepositoryNames? {
    try? RepositoryNames(of: root, environment: .local)
  }

  /// Newest first.
  private var entries: [RevisionEntry] {
    guard let names, keyFile != nil || !names.isEncrypted else { return [] }
    let repository = try? Repository.open(at: root, environment: .local) {
      try SecretSource.keyFile(keyFile ?? "").read(for: root.string)
    }
    return (try? repository?.revisions().entries.reversed()) ?? []
  }

  private var overlays: [String] {
    var location = OverlayLocation()
    location.overlayDirectory = overlayDirectory
    guard let names, let directory = try? location.directoryOfNamed() else { return [] }
    return OverlayStore.names(in: directory, of: names.repository).sorted()
  }

  private func revisions(_ text: String) -> [String] {
    let entries = entries
    if text.contains("/") { return volumes(text, entries) }
    guard let at = text.firstIndex(of: "@") else {
      let jobs = Set(entries.map(\.revision.job)).sorted()
      // The second one keeps the shell from ending the word.
      return jobs.flatMap { [$0, "\($0)@"] } + (text.isEmpty ? [] : ids(of: entries))
    }
    let job = String(text[..<at])
    let history = entries.filter { $0.revision.job == job }
    guard !history.isEmpty || entries.isEmpty else { return [] }
    let tags = Set(history.flatMap(\.marks.tags)).sorted().map { "tag:\($0)" }
    return (Self.selectors + tags + ids(of: history)).map { "\(job)@\($0)" }
  }

  /// Of all revisions where none can be read.
  private func ids(of entries: [RevisionEntry]) -> [String] {
    entries.isEmpty ? (names?.revisions ?? []).map(\.short).sorted() : entries.map(\.shortID)
  }

  private func volumes(_ text: String, _ entries: [RevisionEntry]) -> [String] {
    let name = String(text.prefix { $0 != "/" })
    guard let reference = try? RevisionReference(name),
      let entry = try? reference.revision(in: entries.reversed(), now: Timestamp.now())
    else { return [] }
    return entry.revision.volumes.map { "\(name)/\($0.name)" }
  }
}
