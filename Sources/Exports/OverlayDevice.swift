import NBDServer
import NIOCore
import Overlays
import VolumeMap
import VolumeReader

/// A device whose changes an overlay takes.
final class OverlayDevice: BlockDevice {
  private let base: any BlockDevice
  private let volume: OverlaidVolume

  /// Takes over `base`, which is closed with this, unless this throws.
  init(base: any BlockDevice, overlay: VolumeOverlay) throws(OverlayError) {
    self.base = base
    volume = try OverlaidVolume(base: DeviceContent(device: base), overlay: overlay)
  }

  var sizeBytes: UInt64 { volume.sizeBytes }

  var writer: (any BlockDeviceWriting)? { self }

  func cachedContent(of range: Range<UInt64>) -> [VolumePiece]? {
    volume.cachedContent(of: range)
  }

  func content(of range: Range<UInt64>) throws -> [VolumePiece] {
    try volume.content(of: range)
  }

  func allocation(of range: Range<UInt64>, limit: Int) throws -> [AllocationExtent] {
    try volume.allocation(of: range, limit: limit)
  }

  /// Nobody is there to be told that what was not flushed has been lost; the overlay remembers.
  func close() {
    try? volume.synchronize()
    base.close()
  }
}

extension OverlayDevice: BlockDeviceWriting {
  func isQuick(_ range: Range<UInt64>) -> Bool { volume.isQuickToWrite(range) }

  func write(_ bytes: ByteBuffer, at offsetBytes: UInt64) throws {
    try reporting { () throws(OverlayError) in
      try bytes.withUnsafeReadableBytes { bytes throws(OverlayError) in
        try volume.write(bytes, at: offsetBytes)
      }
    }
  }

  func zero(_ range: Range<UInt64>, mayTrim: Bool) throws {
    try reporting { () throws(OverlayError) in try volume.zero(range, mayTrim: mayTrim) }
  }

  func trim(_ range: Range<UInt64>) throws {
    try reporting { () throws(OverlayError) in try volume.trim(range) }
  }

  func sync() throws {
    try reporting { () throws(OverlayError) in try volume.synchronize() }
  }

  private func reporting(_ body: () throws(OverlayError) -> Void) throws(DeviceError) {
    do throws(OverlayError) {
      try body()
    } catch {
      throw DeviceError(error.code == .noSpace ? .noSpace : .inputOutput, error.description)
    }
  }
}

/// What a device shows, as the content that an overlay lies on.
private struct DeviceContent: BaseVolume {
  let device: any BlockDevice

  var sizeBytes: UInt64 { device.sizeBytes }

  func cachedContent(of range: Range<UInt64>) -> [VolumePiece]? {
    device.cachedContent(of: range)
  }

  func content(of range: Range<UInt64>) throws -> [VolumePiece] {
    try device.content(of: range)
  }

  func allocation(of range: Range<UInt64>, limit: Int) throws -> [AllocationExtent] {
    try device.allocation(of: range, limit: limit)
  }
}
