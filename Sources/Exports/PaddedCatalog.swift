import NBDProtocol
package import NBDServer
import NIOCore
import VolumeMap
import VolumeReader

/// Exports of whole sectors, for clients that cut off what is no whole one, as the kernel does: a volume of
/// another size ends with zeros up to the next sector.
package struct PaddedCatalog: ExportCatalog {
  private let base: any ExportCatalog

  package init(_ base: any ExportCatalog) { self.base = base }

  package func list() throws -> [ExportListing] { try base.list() }

  package func open(_ name: String) throws -> OpenedExport? {
    guard var export = try base.open(name) else { return nil }
    export.device = PaddedDevice.padding(export.device)
    return export
  }
}

/// A device with zeros behind its end. Zeros can be written there and nothing else.
final class PaddedDevice: BlockDevice {
  /// Of the kernel's block devices.
  static let sectorBytes: UInt64 = 512

  let sizeBytes: UInt64
  private let base: any BlockDevice

  /// The device itself where it consists of whole sectors, or is too large to be made larger.
  static func padding(_ base: any BlockDevice) -> any BlockDevice {
    let rest = base.sizeBytes % sectorBytes
    guard rest > 0, base.sizeBytes <= UInt64(Int64.max) - sectorBytes else { return base }
    return PaddedDevice(base, sizeBytes: base.sizeBytes + (sectorBytes - rest))
  }

  private init(_ base: any BlockDevice, sizeBytes: UInt64) {
    self.base = base
    self.sizeBytes = sizeBytes
  }

  var writer: (any BlockDeviceWriting)? {
    base.writer.map { PaddedWriter(base: $0, baseBytes: base.sizeBytes) }
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

  func contexts(matching queries: [String]) throws -> [ExportContext] {
    try base.contexts(matching: queries).map { context in
      ExportContext(
        name: context.name,
        source: PaddedStatus(base: context.source, baseBytes: base.sizeBytes))
    }
  }

  func close() { base.close() }

  private func split(_ range: Range<UInt64>) -> (part: Range<UInt64>, padding: UInt64) {
    range.split(at: base.sizeBytes)
  }

  private func pad(_ pieces: [VolumePiece], by padding: UInt64) -> [VolumePiece] {
    padding == 0 ? pieces : pieces + [.hole(lengthBytes: padding)]
  }
}

/// What changed in a device: nothing behind its end.
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

private struct PaddedWriter: BlockDeviceWriting {
  let base: any BlockDeviceWriting
  let baseBytes: UInt64

  func isQuick(_ range: Range<UInt64>) -> Bool {
    let (part, _) = range.split(at: baseBytes)
    return part.isEmpty || base.isQuick(part)
  }

  func write(_ bytes: ByteBuffer, at offsetBytes: UInt64) throws {
    let range = offsetBytes..<offsetBytes + UInt64(bytes.readableBytes)
    let (part, _) = range.split(at: baseBytes)
    var bytes = bytes
    let own = bytes.readSlice(length: part.count)
    guard bytes.readableBytesView.allSatisfy({ $0 == 0 }) else {
      throw DeviceError(
        .noSpace, "only zeros can be written behind the volume's end at \(baseBytes) bytes")
    }
    if let own, !part.isEmpty { try base.write(own, at: offsetBytes) }
  }

  func zero(_ range: Range<UInt64>, mayTrim: Bool) throws {
    let (part, _) = range.split(at: baseBytes)
    if !part.isEmpty { try base.zero(part, mayTrim: mayTrim) }
  }

  func trim(_ range: Range<UInt64>) throws {
    let (part, _) = range.split(at: baseBytes)
    if !part.isEmpty { try base.trim(part) }
  }

  func sync() throws { try base.sync() }
}

extension Range<UInt64> {
  /// What lies before `end`, and how many bytes lie behind it.
  fileprivate func split(at end: UInt64) -> (part: Range<UInt64>, padding: UInt64) {
    let part = Swift.min(lowerBound, end)..<Swift.min(upperBound, end)
    return (part, UInt64(count) - UInt64(part.count))
  }
}
