package import CalendarTime
package import ChunkFormat
import Remedies

extension RevisionReference {
  /// The revision that the name stands for.
  ///
  /// - Parameters:
  ///   - entries: all revisions of the repository, oldest first.
  ///   - zone: of dates and times without one.
  ///   - now: what `today` is the day of.
  /// - Throws: ``ReferenceError`` that says what there is instead.
  package func revision(
    in entries: [RevisionEntry], zone: TimeZone = .system, now: Timestamp
  ) throws(ReferenceError) -> RevisionEntry {
    let search = RevisionSearch(text: text, entries: entries, zone: zone, now: now)
    switch target {
    case .selection(let job, let selector):
      return try search.select(selector, of: job)
    case .word(let word):
      if let newest = entries.last(where: { $0.revision.job == word }) { return newest }
      guard let prefix = Self.idPrefix(word) else { throw .unknown(job: word, in: entries) }
      return try search.withID(prefix, job: nil)
    }
  }

  /// The revisions that the name covers: for the bare name of a job all of that job, oldest first,
  /// else the one that it stands for.
  ///
  /// - Parameters:
  ///   - entries: all revisions of the repository, oldest first.
  ///   - zone: of dates and times without one.
  ///   - now: what `today` is the day of.
  /// - Throws: ``ReferenceError`` that says what there is instead.
  package func revisions(
    in entries: [RevisionEntry], zone: TimeZone = .system, now: Timestamp
  ) throws(ReferenceError) -> [RevisionEntry] {
    if case .word(let job) = target {
      let history = entries.filter { $0.revision.job == job }
      if !history.isEmpty { return history }
    }
    return [try revision(in: entries, zone: zone, now: now)]
  }

  /// The volume that the name stands for: the one it names, else the only one.
  ///
  /// - Throws: ``ReferenceError`` that lists the volumes there are.
  package func volume(of revision: Revision) throws(ReferenceError) -> RevisionVolume {
    try volume(of: revision, named: volume)
  }

  /// The volume called `name`; without a name the only one.
  ///
  /// - Throws: ``ReferenceError`` that lists the volumes there are.
  package func volume(
    of revision: Revision, named name: String?
  ) throws(ReferenceError) -> RevisionVolume {
    if let found = revision.volume(named: name) { return found }
    let names = ReferenceError.list(revision.volumes.map(\.name))
    if let name {
      throw ReferenceError(
        .unknownVolume, "\(text): the revision has no volume '\(name)'; it has \(names)")
    }
    throw ReferenceError(
      .ambiguous,
      "\(text): the revision has several volumes, \(names); name one, such as "
        + "\(text)/\(revision.volumes[0].name)")
  }
}

/// The search for what a selector means among a repository's revisions.
private struct RevisionSearch {
  let text: String
  /// Oldest first.
  let entries: [RevisionEntry]
  let zone: TimeZone
  let now: Timestamp

  func select(
    _ selector: RevisionReference.Selector, of job: String
  ) throws(ReferenceError) -> RevisionEntry {
    let history = entries.filter { $0.revision.job == job }
    guard let oldest = history.first, let newest = history.last else {
      if case .id(let prefix) = selector, isFormerName(job) {
        return try withID(prefix, job: job)
      }
      throw .unknown(job: job, in: entries)
    }
    switch selector {
    case .latest: return newest
    case .first: return oldest
    case .number(let number): return try counted(back: number, in: history)
    case .id(let prefix): return try withID(prefix, job: job)
    case .time(let time): return try before(time, in: history, oldest: oldest)
    case .day(let daysAgo): return try newestOfDay(daysAgo: daysAgo, in: history)
    case .tag(let tag): return try tagged(tag, in: history)
    }
  }

  private func isFormerName(_ job: String) -> Bool {
    entries.contains { $0.marks.formerJobs.contains(job) }
  }

  /// The only revision, of `job` where one is named, whose id begins with `prefix`.
  func withID(_ prefix: String, job: String?) throws(ReferenceError) -> RevisionEntry {
    let everywhere = entries.filter { $0.id.description.hasPrefix(prefix) }
    let found =
      job.map { job in
        everywhere.filter { $0.revision.job == job || $0.marks.formerJobs.contains(job) }
      } ?? everywhere
    guard let first = found.first else {
      throw miss(noRevisionHas(prefix, job: job, elsewhere: everywhere.first))
    }
    guard found.count == 1 else {
      let candidates = found.map {
        "\($0.id.description.prefix(prefix.count + 8)) (\($0.revision.job), "
          + "\(zone.text(of: $0.revision.created)))"
      }
      throw ReferenceError(
        .ambiguous,
        "\(text): \(found.count) revisions have ids that begin with \(prefix): "
          + "\(ReferenceError.list(candidates)); write more digits")
    }
    return first
  }

  private func counted(
    back number: Int, in history: [RevisionEntry]
  ) throws(ReferenceError) -> RevisionEntry {
    guard number < history.count else {
      throw miss(
        "the job has \(history.count) revision\(history.count == 1 ? "" : "s"): the newest is number 0, "
          + "the oldest is number \(history.count - 1)")
    }
    return history[history.count - 1 - number]
  }

  private func before(
    _ time: TimeExpression, in history: [RevisionEntry], oldest: RevisionEntry
  ) throws(ReferenceError) -> RevisionEntry {
    if time.isLocal { try checkZone() }
    guard let limit = time.lastMoment(in: zone) else {
      throw miss("the time is out of range")
    }
    guard let found = history.last(where: { $0.revision.created <= limit }) else {
      throw miss(
        "no revision is that old; the oldest is of \(zone.text(of: oldest.revision.created))")
    }
    return found
  }

  /// Days are compared as the calendar shows them, so clocks that are set do not matter.
  private func newestOfDay(
    daysAgo: Int, in history: [RevisionEntry]
  ) throws(ReferenceError) -> RevisionEntry {
    try checkZone()
    let today = zone.time(of: now)
    let noon = CivilTime(year: today.year, month: today.month, day: today.day - daysAgo, hour: 12)
    let day = CivilTime(secondsSince1970: noon.secondsSince1970).dateText
    let found = history.last { zone.time(of: $0.revision.created).dateText == day }
    guard let found else {
      let newest = history.last.map { zone.text(of: $0.revision.created) } ?? "none"
      throw miss("the job has no revision of \(day); the newest is of \(newest)")
    }
    return found
  }

  /// UTC in place of the zone that was meant would find another revision.
  private func checkZone() throws(ReferenceError) {
    if let fault = zone.fault { throw miss(fault) }
  }

  private func tagged(
    _ tag: String, in history: [RevisionEntry]
  ) throws(ReferenceError) -> RevisionEntry {
    if let found = history.last(where: { $0.marks.tags.contains(tag) }) { return found }
    let tags = Set(history.flatMap(\.marks.tags)).sorted()
    throw miss(
      "no revision of the job has the tag '\(tag)'; "
        + (tags.isEmpty ? "the job has no tags" : "its tags are \(ReferenceError.list(tags))"))
  }

  private func noRevisionHas(_ prefix: String, job: String?, elsewhere: RevisionEntry?) -> String {
    if let job, let elsewhere {
      return "revision \(elsewhere.id.description.prefix(prefix.count + 8)) is of job "
        + "'\(elsewhere.revision.job)', not of '\(job)'"
    }
    guard job == nil else { return "no revision of the job has an id that begins with \(prefix)" }
    let jobs = Set(entries.map(\.revision.job)).sorted()
    return "no job has this name, and no revision id begins with it; "
      + (jobs.isEmpty
        ? "the repository holds no revisions yet" : "the jobs are \(ReferenceError.list(jobs))")
  }

  private func miss(_ reason: String) -> ReferenceError {
    ReferenceError(.noSuchRevision, "\(text): \(reason)")
  }
}

extension RevisionListing {
  /// The revision that a name stands for.
  ///
  /// - Throws: ``ReferenceError`` that says what there is instead, also which revisions cannot be read.
  package func revision(
    _ reference: RevisionReference, zone: TimeZone = .system,
    now: Timestamp = Timestamp.now()
  ) throws(ReferenceError) -> RevisionEntry {
    do throws(ReferenceError) {
      return try reference.revision(in: entries, zone: zone, now: now)
    } catch {
      throw explaining(error, of: reference.firstWord)
    }
  }

  /// All revisions of a job, oldest first.
  ///
  /// - Throws: ``ReferenceError`` where there is none, which says which revisions cannot be read.
  package func history(of job: String) throws(ReferenceError) -> [RevisionEntry] {
    let history = entries.filter { $0.revision.job == job }
    guard !history.isEmpty else { throw explaining(.unknown(job: job, in: entries), of: job) }
    return history
  }

  /// What was not found may be in a file that cannot be read.
  ///
  /// - Parameter name: that of the job, or what may be one.
  package func explaining(_ error: ReferenceError, of name: String) -> ReferenceError {
    guard [.unknownJob, .noSuchRevision].contains(error.code),
      let (id, problem) = unreadable.first
    else { return error }
    let others = unreadable.count > 1 ? " and \(unreadable.count - 1) more" : ""
    let miss =
      error.code == .unknownJob ? "no revision of '\(name)' can be read" : error.description
    return ReferenceError(
      error.code,
      "\(miss); revision \(id)\(others) cannot be read, and may be of this job: \(problem)",
      cause: problem, remedy: .restoreRevision)
  }
}

extension ReferenceError {
  private static let listLimit = 8

  /// There is no such job among `entries`.
  package static func unknown(job: String, in entries: [RevisionEntry]) -> ReferenceError {
    let jobs = Set(entries.map(\.revision.job)).sorted()
    let found = jobs.isEmpty ? "it holds no revisions yet" : "its jobs are \(list(jobs))"
    return ReferenceError(.unknownJob, "the repository has no job '\(job)'; \(found)")
  }

  /// `a, b, c`, and how many more there are.
  fileprivate static func list(_ names: [String]) -> String {
    let shown = names.prefix(listLimit).joined(separator: ", ")
    return names.count > listLimit ? "\(shown) and \(names.count - listLimit) more" : shown
  }
}
