import NBDProtocol
import Synchronization
import VolumeReader

/// An export that connections have open. Every holder releases it with
/// ``SharedExports/release(_:)``.
final class SharedExport: Sendable {
  let properties: ExportProperties
  let volume: any ReadableVolume
  /// The volume, if clients can write to it.
  let writer: (any WritableVolume)?
  let contexts: (any ExportContexts)?
  fileprivate let close: @Sendable () -> Void

  init(_ opened: OpenedExport) {
    volume = opened.volume
    writer = opened.writer
    contexts = opened.contexts
    close = opened.close
    properties = ExportProperties(
      name: opened.canonicalName, description: opened.description,
      sizeBytes: volume.sizeBytes, isWritable: writer != nil, isShared: opened.isShared)
  }
}

/// The exports in use, one for each canonical name, with the number of connections that hold each.
/// An export that is not shared has one holder and no entry.
///
/// Both functions may close an export, which blocks. Call them on a thread that may block.
final class SharedExports: Sendable {
  private struct Entry {
    let export: SharedExport
    var holders: Int
  }

  private let entries = Mutex<[String: Entry]>([:])

  /// Takes ownership of an export that a catalogue opened. If its content is already open, closes
  /// the new export and returns the open one.
  func acquire(_ opened: OpenedExport) -> SharedExport {
    guard opened.isShared else { return SharedExport(opened) }
    let shared = entries.withLock { entries in
      let export = entries[opened.canonicalName]?.export ?? SharedExport(opened)
      entries[opened.canonicalName, default: Entry(export: export, holders: 0)].holders += 1
      return (export: export, isNew: entries[opened.canonicalName]?.holders == 1)
    }
    if !shared.isNew { opened.close() }
    return shared.export
  }

  /// Releases the export. Closes it after the last holder.
  func release(_ export: SharedExport) {
    guard export.properties.isShared else { return export.close() }
    let isLast = entries.withLock { entries in
      entries[export.properties.name]?.holders -= 1
      guard entries[export.properties.name]?.holders == 0 else { return false }
      entries[export.properties.name] = nil
      return true
    }
    if isLast { export.close() }
  }
}
