import NBDProtocol
import TestSupport

/// Returns a connection in the transmission phase, by default with a read-only disk of 1 MiB.
/// Selects contexts if the style allows it.
func entered(
  _ style: WireStyle = .structured, contexts: Bool = true, own ownContexts: [String] = [],
  writable: Bool = false, sizeBytes: UInt64 = 1 << 20, windowCount: Int = 64,
  windowBytes: Int = 16 << 20
) -> Transcript {
  let client = Transcript.greeted(windowCount: windowCount, windowBytes: windowBytes)
  client.exports["disk"]?.sizeBytes = sizeBytes
  client.exports["disk"]?.isWritable = writable
  client.ownContexts = ownContexts
  if let option = style.option { client.send(Handshake.option(option)) }
  if contexts, style != .simple {
    client.send(Handshake.contexts(10, "disk", ["base:allocation"] + ownContexts))
  }
  client.send(Handshake.choose(7, "disk"))
  _ = client.takeReplies()
  return client
}
