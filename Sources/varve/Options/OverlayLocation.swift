import ArgumentParser
import ChildProcesses
import FileIO
import Glibc
import Overlays
import ChunkStore
import SystemPackage

/// Where overlays are kept.
struct OverlayLocation: ParsableArguments {
  static let variable = "VARVE_OVERLAYS"

  @Option(
    help: ArgumentHelp(
      "The directory of overlays of all repositories; never inside a repository.",
      discussion: """
        Default: $VARVE_OVERLAYS, else /var/lib/varve/overlays for root, and for others \
        $XDG_STATE_HOME/varve/overlays or ~/.local/state/varve/overlays. Temporary overlays, which \
        end with their connection, are in $TMPDIR, else in /var/tmp, unless this option is given.
        """,
      valueName: "directory"),
    completion: .directory)
  var overlayDirectory: String?

  mutating func validate() throws {
    if overlayDirectory == "" {
      throw ValidationError("--overlay-directory needs a directory, found ''.")
    }
  }

  /// The overlays that have names.
  func store(of repository: Repository) throws -> OverlayStore {
    try OverlayStore(
      in: try directoryOfNamed(), of: repository, context: .ofProgram())
  }

  /// Where overlays without names are made.
  func temporary(for repository: Repository) throws -> TemporaryOverlays {
    try TemporaryOverlays(
      in: FilePath(escaped: overlayDirectory ?? Environment["TMPDIR"] ?? "/var/tmp"),
      outside: repository.root)
  }

  func directoryOfNamed() throws -> FilePath {
    if let chosen = overlayDirectory ?? Environment[Self.variable] {
      return FilePath(escaped: chosen)
    }
    if geteuid() == 0 { return "/var/lib/varve/overlays" }
    // A relative path there is to be ignored (XDG Base Directory Specification).
    if let state = Environment["XDG_STATE_HOME"], state.hasPrefix("/") {
      return FilePath(escaped: state).appending("varve/overlays")
    }
    guard let home = Environment["HOME"] else {
      throw Failure(
        .invalidRequest,
        "no directory for overlays: name one with --overlay-directory or $\(Self.variable)")
    }
    return FilePath(escaped: home).appending(".local/state/varve/overlays")
  }
}
