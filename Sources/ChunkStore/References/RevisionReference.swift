import CalendarTime
package import ChunkFormat

/// The name of a revision, or of one volume of it, as people write it everywhere: on the command
/// line and as the name of an export.
///
/// ```
/// JOB[@SELECTOR][/VOLUME]      without a selector: latest
/// ID[/VOLUME]                  a revision's id, or its first 4 or more digits
///
/// SELECTOR   selects
/// latest     the newest revision of the job
/// first      the oldest
/// 0 … 9999   a number counts back: 0 is the newest, 1 the one before it
/// ID         a revision's id, or its first 4 or more digits (5 or more where all are decimal)
/// 2026-11-20, 2026-11-20T14:30, 2026-11-20T14:30:15[Z|+01:00]
///            the newest revision not after that day, minute or second, see `CalendarTime/TimeExpression`
/// today, yesterday
///            the newest revision of that day
/// tag:NAME   the newest revision with the tag
/// ```
///
/// A bare word that is both a job and the beginning of an id names the job.
package struct RevisionReference: Equatable, Sendable {
  static let minimumPrefixDigits = 4
  /// More decimal digits than this are the beginning of an id.
  private static let maximumNumberDigits = 4

  enum Selector: Equatable, Sendable {
    case latest
    case first
    case number(Int)
    case id(prefix: String)
    case time(TimeExpression)
    /// The newest of a day, counted back from today, which is 0.
    case day(daysAgo: Int)
    case tag(String)
  }

  enum Target: Equatable, Sendable {
    case selection(job: String, Selector)
    /// A job or the beginning of an id: only a look at the repository tells.
    case word(String)
  }

  /// As it was written.
  package let text: String
  let target: Target
  /// The name of a volume, where one was written.
  package let volume: String?

  /// Reads a name.
  ///
  /// - Throws: ``ReferenceError`` with `.malformed`.
  package init(_ text: String) throws(ReferenceError) {
    self.text = text
    let halves = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    volume = halves.count > 1 ? String(halves[1]) : nil
    if let volume, !Name.isValid(volume) {
      throw .malformed(text, "'\(volume)' is not a valid name for a volume: \(Name.rule)")
    }
    let parts = halves[0].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    guard Name.isValid(String(parts[0])) else {
      throw .malformed(text, "'\(parts[0])' is not a valid name for a job: \(Name.rule)")
    }
    if parts.count > 1 {
      guard let selector = Selector(parts[1]) else { throw .malformed(text, selector: parts[1]) }
      target = .selection(job: String(parts[0]), selector)
    } else {
      target = .word(String(parts[0]))
    }
  }

  /// The revision's id where all of it was written: it can be looked up without a search.
  package var wholeID: RevisionID? {
    switch target {
    case .selection(_, .id(let prefix)): RevisionID(name: prefix)
    case .word(let word): RevisionID(name: word.lowercased())
    default: nil
    }
  }

  /// Whether it names one revision by its id, or by the beginning of one.
  ///
  /// - Parameter entries: all revisions of the repository; the name of a job goes first.
  package func isID(among entries: [RevisionEntry]) -> Bool {
    switch target {
    case .selection(_, .id): true
    case .word(let word):
      Self.idPrefix(word) != nil && !entries.contains { $0.revision.job == word }
    default: false
    }
  }

  /// The job that was written, or the word that stands for a job or an id.
  package var firstWord: String {
    switch target {
    case .selection(let job, _): job
    case .word(let word): word
    }
  }

  /// `text` in lower case, where it can be the beginning of an id.
  static func idPrefix(_ text: some StringProtocol) -> String? {
    guard minimumPrefixDigits...ContentID.lengthBytes * 2 ~= text.utf8.count,
      text.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit })
    else { return nil }
    return text.lowercased()
  }

  fileprivate static func number(_ text: some StringProtocol) -> Int? {
    guard 1...maximumNumberDigits ~= text.utf8.count,
      text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
    else { return nil }
    return Int(text)
  }
}

extension RevisionReference.Selector {
  fileprivate init?(_ text: Substring) {
    if text == "latest" {
      self = .latest
    } else if text == "first" {
      self = .first
    } else if text == "today" {
      self = .day(daysAgo: 0)
    } else if text == "yesterday" {
      self = .day(daysAgo: 1)
    } else if text.hasPrefix("tag:") {
      let tag = String(text.dropFirst("tag:".count))
      guard Name.isValid(tag) else { return nil }
      self = .tag(tag)
    } else if let number = RevisionReference.number(text) {
      self = .number(number)
    } else if let prefix = RevisionReference.idPrefix(text) {
      self = .id(prefix: prefix)
    } else if let time = TimeExpression(text) {
      self = .time(time)
    } else {
      return nil
    }
  }
}

extension ReferenceError {
  fileprivate static func malformed(_ text: String, _ reason: String) -> ReferenceError {
    ReferenceError(
      .malformed, "'\(text)' is not a valid revision; use JOB@SELECTOR[/VOLUME]: \(reason)")
  }

  fileprivate static func malformed(_ text: String, selector: Substring) -> ReferenceError {
    .malformed(
      text,
      "'\(selector)' is not a valid selector; use latest, first, today, yesterday, a number counting back "
        + "from 0, a date such as 2026-11-20 or 2026-11-20T14:30, tag:NAME, or the first "
        + "\(RevisionReference.minimumPrefixDigits) or more digits of an id")
  }
}
