package import LocalObjects
import ObjectStorage
package import SystemPackage

/// Where the things in a repository's directory are.
extension RepositoryLayout {
  package var configuration: FilePath { path(of: .configuration) }
  package var policies: FilePath { path(of: .policies) }
  package var keys: FilePath { directory(of: .keys) }
  package var revisions: FilePath { directory(of: .revisions) }
  package var marks: FilePath { directory(of: .marks) }
  package var sessions: FilePath { directory(of: .sessions) }
  package var forgotten: FilePath { directory(of: .forgotten) }
  package var condemned: FilePath { directory(of: .condemned) }
  package var quarantine: FilePath { directory(of: .quarantine) }
  package var pins: FilePath { directory(of: .pins) }
  package var dataPacks: FilePath { directory(of: .dataPacks) }
  package var mapPacks: FilePath { directory(of: .mapPacks) }
  package var packDirectories: [FilePath] { [dataPacks, mapPacks] }

  package func key(_ id: some CustomStringConvertible) -> FilePath { file(.keys, id) }
  package func revision(_ id: some CustomStringConvertible) -> FilePath { file(.revisions, id) }
  package func marks(of id: some CustomStringConvertible) -> FilePath { file(.marks, id) }
  package func forgotten(_ id: some CustomStringConvertible) -> FilePath { file(.forgotten, id) }
  package func pin(_ name: some CustomStringConvertible) -> FilePath { file(.pins, name) }
  package func dataPack(_ id: some CustomStringConvertible) -> FilePath { file(.dataPacks, id) }

  private func file(_ area: ObjectArea, _ name: some CustomStringConvertible) -> FilePath {
    path(of: ObjectKey(area, name.description))
  }
}
