/// The object `condemned/ID`: packs that count as absent.
///
/// ```
/// offset size
///      0    4  VCON
///      4    1  version of the format, 1
///      5    1  state: 1 condemned, 2 deleting
///      6   20  nonce
///     26       number of packs (4), each a byte (1 data, 2 maps) and a text
/// ```
package struct CondemnationRecord: Equatable, Sendable {
  package enum State: UInt8, Sendable {
    /// Sessions that begin now do not use the packs. They may be pardoned.
    case condemned = 1
    /// The packs are never used again. Packs that were condemned and are not listed here are pardoned.
    case deleting = 2
  }

  package let state: State
  package let nonce: Nonce
  package let packs: [ObjectKey]

  private static let magic: StaticString = "VCON"

  package init(_ state: State, _ nonce: Nonce, packs: [ObjectKey]) {
    self.state = state
    self.nonce = nonce
    self.packs = packs
  }

  package init(_ bytes: [UInt8], of condemnation: String) throws(SessionProtocolError) {
    var decoder = try RecordDecoder(
      bytes, magic: Self.magic, of: ObjectKey(.condemned, condemnation))
    guard let state = State(rawValue: try decoder.byte()) else {
      throw decoder.damaged("its state is unknown")
    }
    self.state = state
    nonce = try decoder.nonce()
    packs = try decoder.packs()
    try decoder.end()
  }

  package var bytes: [UInt8] {
    var encoder = RecordEncoder(magic: Self.magic)
    encoder.append(byte: state.rawValue)
    encoder.append(nonce)
    encoder.append(packs)
    return encoder.bytes
  }
}
