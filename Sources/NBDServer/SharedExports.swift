import NBDProtocol
import Synchronization

/// An export that connections have open. Every holder gives it back with
/// ``SharedExports/release(_:)``.
final class SharedExport: Sendable {
  let properties: ExportProperties
  let device: any BlockDevice

  init(_ opened: OpenedExport) {
    properties = ExportProperties(
      name: opened.canonicalName, description: opened.description,
      sizeBytes: opened.device.sizeBytes, isWritable: opened.device.writer != nil,
      isShared: opened.isShared)
    device = opened.device
  }
}

/// The exports in use, one for each canonical name, with how many connections hold them. An export
/// that is not to be shared has one holder and no entry.
///
/// Both functions may close a device, which blocks: call them on a thread for that.
final class SharedExports: Sendable {
  private struct Entry {
    let export: SharedExport
    var holders: Int
  }

  private let entries = Mutex<[String: Entry]>([:])

  /// Takes what a catalogue opened, or, when its content is open already, that, closing the other.
  func acquire(_ opened: OpenedExport) -> SharedExport {
    guard opened.isShared else { return SharedExport(opened) }
    let shared = entries.withLock { entries in
      let export = entries[opened.canonicalName]?.export ?? SharedExport(opened)
      entries[opened.canonicalName, default: Entry(export: export, holders: 0)].holders += 1
      return (export: export, isNew: entries[opened.canonicalName]?.holders == 1)
    }
    if !shared.isNew { opened.device.close() }
    return shared.export
  }

  /// Closes the device when the last holder lets go.
  func release(_ export: SharedExport) {
    guard export.properties.isShared else { return export.device.close() }
    let isLast = entries.withLock { entries in
      entries[export.properties.name]?.holders -= 1
      guard entries[export.properties.name]?.holders == 0 else { return false }
      entries[export.properties.name] = nil
      return true
    }
    if isLast { export.device.close() }
  }
}
