package import CalendarTime

/// Packs that are to be deleted: a file in `condemned/`, an envelope around fields (format,
/// "Condemnations").
///
/// Writing sessions that begin after the file was written treat the records of these packs as
/// absent. The packs are deleted when all writing sessions that began before the file was written
/// have ended, and only if no record in them is needed then.
package struct Condemnation: Equatable, EnvelopedFile {
  package static let fileKind = RepositoryFileKind.condemnation
  package static let maximumFileBytes = 64 << 20
  package static var knownTags: Set<UInt16> { Tag.all }
  /// The most packs to name in one file; this many fit.
  package static let maximumPacks = 1 << 20

  package let condemned: Timestamp
  package let dataPacks: [PackID]
  package let mapPacks: [PackID]
  /// Names of the writing sessions that began before the file was written and may rely on the
  /// packs; nil until they are listed. If the collector dies before that, the next one lists them.
  package var awaited: [SessionID]?

  package init(
    condemned: Timestamp, dataPacks: [PackID], mapPacks: [PackID], awaited: [SessionID]?
  ) {
    self.condemned = condemned
    self.dataPacks = dataPacks
    self.mapPacks = mapPacks
    self.awaited = awaited
  }

  package func encodedFields() -> [UInt8] {
    var fields = FieldListWriter()
    fields.field(Tag.condemned, condemned)
    for pack in dataPacks {
      fields.field(Tag.dataPack, pack)
    }
    for pack in mapPacks {
      fields.field(Tag.mapPack, pack)
    }
    if let awaited {
      fields.field(Tag.isAwaiting, UInt8(1))
      for session in awaited {
        fields.field(Tag.awaited, session.description)
      }
    }
    return fields.bytes
  }

  package init(fields: FieldList) throws(FormatError) {
    condemned = try fields.time(Tag.condemned)
    dataPacks = try fields.fileIDs(Tag.dataPack)
    mapPacks = try fields.fileIDs(Tag.mapPack)
    let isAwaiting = try fields.atMostOne(Tag.isAwaiting) != nil
    awaited = isAwaiting ? try fields.texts(Tag.awaited).map(SessionID.init(name:)) : nil
  }

  private enum Tag {
    static let condemned: UInt16 = 1
    static let dataPack: UInt16 = 2 | FieldList.critical
    static let mapPack: UInt16 = 3 | FieldList.critical
    static let isAwaiting: UInt16 = 4 | FieldList.critical
    static let awaited: UInt16 = 5 | FieldList.critical
    static let all: Set<UInt16> = [condemned, dataPack, mapPack, isAwaiting, awaited]
  }
}
