/// A job that is being renamed, with all that is needed to finish it (format, "Policies").
package struct JobRenaming: Equatable, Sendable {
  package let old: String
  package let new: String

  package init(from old: String, to new: String) {
    self.old = old
    self.new = new
  }

  func encoded(in structure: String) throws(FormatError) -> [UInt8] {
    var fields = FieldListWriter()
    fields.field(Tag.old, try Name.check(old, in: structure))
    fields.field(Tag.new, try Name.check(new, in: structure))
    return fields.bytes
  }

  init(encoded bytes: ArraySlice<UInt8>, in structure: String) throws(FormatError) {
    let fields = try FieldList(bytes, structure: structure, known: [Tag.old, Tag.new])
    (old, new) = (try fields.text(Tag.old), try fields.text(Tag.new))
    do throws(FormatError) {
      for name in [old, new] { _ = try Name.check(name, in: structure) }
    } catch {
      throw error.asCorruption
    }
  }

  private enum Tag {
    static let old: UInt16 = 1 | FieldList.critical
    static let new: UInt16 = 2 | FieldList.critical
  }
}
