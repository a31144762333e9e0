import NBDProtocol
package import NBDServer
import VolumeMap
import VolumeReader

/// Exports with a whole number of sectors, for clients that cut off a partial last sector, as the
/// kernel does. A volume of another size is extended with zeros up to the next sector.
package struct PaddedCatalog: ExportCatalog {
  private let base: any ExportCatalog

  package init(_ base: any ExportCatalog) { self.base = base }

  package func list() throws -> [ExportListing] { try base.list() }

  package func open(_ name: String) throws -> OpenedExport? {
    try base.open(name).map(padded)
  }

  package func reopen(_ name: String, as canonicalName: String) throws -> OpenedExport? {
    try base.reopen(name, as: canonicalName).map(padded)
  }

  private func padded(_ export: OpenedExport) -> OpenedExport {
    var export = export
    let baseBytes = export.volume.sizeBytes
    export.volume = export.volume.paddedToSectors()
    if export.volume.sizeBytes > baseBytes, let contexts = export.contexts {
      export.contexts = PaddedContexts(base: contexts, baseBytes: baseBytes)
    }
    return export
  }
}

extension ReadableVolume {
  /// Extends the volume with zeros up to the next whole sector. Returns the volume itself if it has
  /// a whole number of sectors, or if it is too large to be extended.
  fileprivate func paddedToSectors() -> any ReadableVolume {
    // The sector size of the kernel's block devices.
    let sectorBytes: UInt64 = 512
    let rest = sizeBytes % sectorBytes
    guard rest > 0, sizeBytes <= UInt64(Int64.max) - sectorBytes else { return self }
    return PaddedVolume(self, sizeBytes: sizeBytes + (sectorBytes - rest))
  }
}

/// A volume with zeros added at its end. Clients can write only zeros there.
private final class PaddedVolume<Base: ReadableVolume>: ReadableVolume {
  let sizeBytes: UInt64
  private let base: Base
  private let baseBytes: UInt64

  init(_ base: Base, sizeBytes: UInt64) {
    self.base = base
    self.sizeBytes = sizeBytes
    baseBytes = base.sizeBytes
  }

  func cachedContent(of range: Range<UInt64>) -> [VolumePiece]? {
    let (part, padding) = split(range)
    guard !part.isEmpty else { return [.hole(lengthBytes: padding)] }
    return base.cachedContent(of: part).map { pad($0, by: padding) }
  }

  func content(of range: Range<UInt64>) throws -> [VolumePiece] {
    let (part, padding) = split(range)
    return pad(part.isEmpty ? [] : try base.content(of: part), by: padding)
  }

  func allocation(of range: Range<UInt64>, limit: Int) throws -> [AllocationExtent] {
    let (part, padding) = split(range)
    var extents = part.isEmpty ? [] : try base.allocation(of: part, limit: limit)
    let end = extents.last.map { $0.offsetBytes + $0.lengthBytes } ?? range.lowerBound
    guard padding > 0, end >= part.upperBound else { return extents }
    if let last = extents.last, last.isHole {
      extents[extents.count - 1].lengthBytes += padding
    } else if extents.count < limit {
      extents.append(AllocationExtent(offsetBytes: end, lengthBytes: padding, isHole: true))
    }
    return extents
  }

  private func split(_ range: Range<UInt64>) -> (part: Range<UInt64>, padding: UInt64) {
    range.split(at: baseBytes)
  }

  private func pad(_ pieces: [VolumePiece], by padding: UInt64) -> [VolumePiece] {
    padding == 0 ? pieces : pieces + [.hole(lengthBytes: padding)]
  }
}

extension PaddedVolume: WritableVolume where Base: WritableVolume {
  func isQuickToWrite(_ range: Range<UInt64>) -> Bool {
    let (part, _) = split(range)
    return part.isEmpty || base.isQuickToWrite(part)
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws {
    let (part, _) = split(offsetBytes..<offsetBytes + UInt64(bytes.count))
    guard bytes[part.count...].allSatisfy({ $0 == 0 }) else {
      throw WriteBehindEnd(endBytes: baseBytes)
    }
    guard !part.isEmpty else { return }
    try base.write(UnsafeRawBufferPointer(rebasing: bytes[..<part.count]), at: offsetBytes)
  }

  func zero(_ range: Range<UInt64>, mayTrim: Bool) throws {
    let (part, _) = split(range)
    if !part.isEmpty { try base.zero(part, mayTrim: mayTrim) }
  }

  func trim(_ range: Range<UInt64>) throws {
    let (part, _) = split(range)
    if !part.isEmpty { try base.trim(part) }
  }

  func synchronize() throws { try base.synchronize() }
}

/// A client tried to write something other than zeros behind the end of a volume.
private struct WriteBehindEnd: VolumeWriteFailure, CustomStringConvertible {
  let endBytes: UInt64
  var isOutOfSpace: Bool { true }

  var description: String {
    "only zeros can be written past the volume's end at \(endBytes) bytes"
  }
}

/// The contexts of a padded export. They report the added zeros as unchanged.
private struct PaddedContexts: ExportContexts {
  let base: any ExportContexts
  let baseBytes: UInt64

  func contexts(matching queries: [String]) throws -> [ExportContext] {
    try base.contexts(matching: queries).map { context in
      ExportContext(
        name: context.name, source: PaddedStatus(base: context.source, baseBytes: baseBytes))
    }
  }
}

private struct PaddedStatus: StatusSource {
  let base: any StatusSource
  let baseBytes: UInt64

  func status(of range: Range<UInt64>, limit: Int) throws -> [StatusExtent] {
    let (part, padding) = range.split(at: baseBytes)
    var extents = part.isEmpty ? [] : try base.status(of: part, limit: limit)
    let isComplete = extents.reduce(0) { $0 + $1.lengthBytes } == UInt64(part.count)
    guard padding > 0, isComplete else { return extents }
    if let last = extents.last, last.flags == 0 {
      extents[extents.count - 1] = StatusExtent(
        lengthBytes: last.lengthBytes + padding, flags: 0)
    } else if extents.count < limit {
      extents.append(StatusExtent(lengthBytes: padding, flags: 0))
    }
    return extents
  }
}

extension Range<UInt64> {
  /// Returns the part of the range before `end`, and the number of its bytes behind `end`.
  fileprivate func split(at end: UInt64) -> (part: Range<UInt64>, padding: UInt64) {
    let part = Swift.min(lowerBound, end)..<Swift.min(upperBound, end)
    return (part, UInt64(count) - UInt64(part.count))
  }
}
