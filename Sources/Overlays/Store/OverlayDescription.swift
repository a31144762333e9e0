package import CalendarTime
package import ChunkFormat
package import ChunkStore

/// The description of a named overlay, from the file `overlay` in its directory
/// (`DescriptionText`).
package struct OverlayDescription: Equatable, Sendable {
  /// A volume of the overlay's revision.
  package struct Volume: Equatable, Sendable {
    package let name: String
    package let sizeBytes: UInt64
  }

  private static let title = "varve overlay 1"
  private static let pinKey = "pin"

  let repository: String
  /// The revision on which the overlay was created. It never changes.
  package let revision: RevisionID
  package let job: String
  package let created: Timestamp
  package let volumes: [Volume]
  /// The pin that keeps the revision. Nil if the pin could not be created, or if the overlay is older
  /// than pins.
  package internal(set) var pin: PinName?

  init(
    repository: RepositoryID, revision: RevisionID, of described: Revision, created: Timestamp,
    pin: PinName
  ) {
    self.pin = pin
    self.repository = repository.description
    self.revision = revision
    self.created = created
    job = described.job
    volumes = described.volumes.map { Volume(name: $0.name, sizeBytes: $0.sizeBytes) }
  }

  /// The total size of all volumes.
  package var sizeBytes: UInt64 { volumes.map(\.sizeBytes).saturatingSum() }

  package func volume(_ name: String) -> Volume? { volumes.first { $0.name == name } }

  var encoded: [UInt8] {
    var text = DescriptionText(title: Self.title)
    text.add("repository", repository)
    text.add("revision", revision)
    text.add("job", job)
    text.add("created", created.nanosecondsSince1970)
    if let pin { text.add(Self.pinKey, pin) }
    for volume in volumes { text.add("volume", "\(volume.name) \(volume.sizeBytes)") }
    return text.encoded
  }

  /// Decodes the description.
  ///
  /// - Throws: ``OverlayError`` with `.damaged` or `.unsupported`.
  init(encoded bytes: [UInt8], in subject: String) throws(OverlayError) {
    let text = try DescriptionText(bytes, title: Self.title, in: subject)
    repository = try text.value(of: "repository", in: subject) { $0 }
    revision = try text.value(of: "revision", in: subject) { RevisionID(name: $0) }
    job = try text.value(of: "job", in: subject) { Name.isValid($0) ? $0 : nil }
    created = try text.value(of: "created", in: subject) {
      Int64($0).map(Timestamp.init(nanosecondsSince1970:))
    }
    pin =
      text.values(of: Self.pinKey).isEmpty
      ? nil : try text.value(of: Self.pinKey, in: subject) { PinName($0) }
    let values = text.values(of: "volume")
    volumes = values.compactMap { value in
      let parts = value.split(separator: " ")
      guard parts.count == 2, let size = UInt64(parts[1]),
        size <= RevisionVolume.maximumSizeBytes, Name.isValid(String(parts[0]))
      else {
        return nil
      }
      return Volume(name: String(parts[0]), sizeBytes: size)
    }
    guard !volumes.isEmpty, volumes.count == values.count else {
      throw OverlayError(
        .damaged, "\(subject): expected 'volume NAME BYTES' for each volume, found \(values)")
    }
  }
}
