package import ChunkFormat
package import ObjectStorage

/// Chunks and map nodes lie in different packs, since maps are read all the time.
package enum PackKind: UInt8, Sendable, CaseIterable {
  case data = 1
  case map = 2

  package var fileKind: RepositoryFileKind {
    switch self {
    case .data: .dataPack
    case .map: .mapPack
    }
  }

  package var area: ObjectArea {
    switch self {
    case .data: .dataPacks
    case .map: .mapPacks
    }
  }

  /// Names a pack of the kind.
  package func key(_ id: PackID) -> ObjectKey { ObjectKey(area, id.description) }

  init(holding type: RecordType) {
    switch type {
    case .chunk: self = .data
    case .mapNode: self = .map
    }
  }
}
