import Administration
import CalendarTime
import ChunkFormat
import ChunkStore

extension Refusal {
  /// The refusal as this command line explains it: with the options and commands that help.
  var words: any Error {
    switch self {
    case .noAttachment(let name, let revision, let job, let present):
      Failure(
        .notFound,
        "revision \(revision.short) of \(job) has no attachment '\(name)'; "
          + (present.isEmpty ? "it has none" : "it has \(present.joined(separator: ", "))"))
    case .noTag(let tag, let revision, let job, let present):
      Failure(
        .notFound,
        "revision \(revision.short) of \(job) has no tag '\(tag)'; "
          + (present.isEmpty ? "it has none" : "its tags are \(present.joined(separator: ", "))"))
    case .noRevisionLeft(let job):
      Failure(.notFound, "the repository has no revision of '\(job)' any more")
    case .noCommonVolume(let older, let newer): Self.noCommonVolume(older, newer)
    case .emptyTimeRange: UsageFailure("--from is after --until: no time is between")
    case .timeOffCalendar:
      Failure(.invalidRequest, "the system cannot place this time on the calendar")
    case .unknownTimeZone(let name): Failure(.notFound, RetentionArgument.noZone(name))
    case .systemTimeZone(let fault): Failure(.invalidRequest, fault)
    case .sameRepository(let path):
      Failure(
        .invalidRequest,
        "\(path) is the repository that is to be repaired; give another with --from")
    case .policy(let refusal): refusal.words
    case .forgetting(let refusal): refusal.words
    case .pin(let refusal): refusal.words
    case .key(let refusal): refusal.words
    case .serving(let refusal): refusal.words
    case .device(let refusal): refusal.words
    }
  }

  private static func noCommonVolume(_ older: ComparedNames, _ newer: ComparedNames) -> Failure {
    Failure(
      .invalidRequest,
      "nothing to compare: \(older.reference) has the volumes "
        + "\(older.volumes.joined(separator: ", ")), \(newer.reference) has "
        + "\(newer.volumes.joined(separator: ", ")); name one on each side, such as "
        + "\(older.reference)/\(older.volumes[0]) \(newer.reference)/\(newer.volumes[0])")
  }
}

extension Refusal.OfPolicy {
  fileprivate var words: any Error {
    switch self {
    case .none(let job):
      Failure(
        .notFound, "there is no policy for '\(job)', nor a default; 'varve policy set' stores one")
    case .notStored(let job):
      Failure(
        .notFound,
        job.map { "'\($0)' has no policy of its own; 'varve policy show' lists those there are" }
          ?? "there is no default policy; 'varve policy show' lists those there are")
    case .noRules:
      UsageFailure(
        "there are no retention rules: give --keep-daily 7 or another rule, or store a policy with "
          + "'varve policy set'")
    case .nothingToApply(let job):
      UsageFailure(
        "there is no policy for '\(job)', and no default: give --keep-daily 7 or another rule, or "
          + "store a policy with 'varve policy set'")
    }
  }
}

extension Refusal.OfForgetting {
  fileprivate var words: Failure {
    switch self {
    case .changedMeanwhile(let entry):
      Failure(
        .inUse,
        "nothing was forgotten: what is said of \(entry.oneLine), or who reads it, changed meanwhile; "
          + "run it again")
    case .namesJob(let job):
      Failure(
        .invalidRequest,
        "'\(job)' is a job: write \(job)@latest for its newest revision, or --job \(job) for all")
    case .protected(let held): protected(held)
    case .mayMeanUnreadable(let name, let id):
      Failure(
        .unconfirmed,
        "revision \(id) cannot be read, and may be the one that '\(name)' means; name the revision by "
          + "its id, or add --yes to ignore the unreadable one")
    case .unreadable(let id):
      Failure(
        .unconfirmed,
        "revision \(id) cannot be read, so nobody knows what it holds, and whether it is protected; "
          + "to give it up, add --yes")
    case .wouldLeaveNone(let job):
      Failure(.unconfirmed, "no revision of \(job) would be left; add --yes to go on")
    case .wouldLeaveNoneUsable(let job, let left):
      Failure(
        .unconfirmed,
        "no usable revision of \(job) would be left, only \(left) distrusted or unusual "
          + (left == 1 ? "one" : "ones") + "; add --yes to go on")
    }
  }

  private func protected(_ held: [RevisionEntry]) -> Failure {
    let names = held.map { entry in
      entry.oneLine + (entry.marks.isProtected ? "" : " (perhaps: its marks cannot be read)")
    }
    return Failure(
      .protected,
      "protected, and not forgotten: \(names.joined(separator: ", ")); 'varve unprotect' lets them "
        + "go, or --force-protected")
  }
}

extension Refusal.OfPin {
  fileprivate var words: Failure {
    switch self {
    case .none(let name):
      Failure(.notFound, "there is no pin \(name); 'varve pin list' lists what there is")
    case .ambiguous(let name, let found):
      Failure(
        .invalidRequest,
        "\(name) is ambiguous; it is the beginning of "
          + found.map(\.description).joined(separator: ", "))
    case .unreadable(let name):
      Failure(
        .unconfirmed,
        "pin \(name) cannot be read, so it is not known which revision it keeps, and for what; to "
          + "give it up, add --yes")
    case .mayBeNeeded(let pin):
      Failure(
        .unconfirmed, (pin.reasonToKeep.map { "\($0); " } ?? "") + "add --yes to release it")
    }
  }
}

extension Refusal.OfKey {
  fileprivate var words: Failure {
    switch self {
    case .none(let id, let repository):
      Failure(
        .notFound,
        "the repository \(repository) has no key '\(id)'; 'varve key list' lists its keys")
    case .ambiguous(let id, let found):
      Failure(
        .invalidRequest,
        "\(found.count) keys have ids that begin with '\(id)': "
          + found.map { String($0.description.prefix(id.count + 8)) }.joined(separator: ", ")
          + "; write more digits")
    case .notEncrypted(let repository):
      Failure(
        .invalidRequest,
        "the repository \(repository) is not encrypted; that is chosen when it is made, with "
          + "'varve init --encrypt'")
    }
  }
}

extension Refusal.OfServing {
  fileprivate var words: any Error {
    switch self {
    case .severalRevisions(let overlay, let references):
      UsageFailure(
        "--overlay \(overlay) is for one revision, found \(references.count): "
          + references.joined(separator: " "))
    case .noOverlay(let name):
      UsageFailure(
        "there is no overlay '\(name)'; to make it, say on which revision, such as "
          + "'varve serve web01@latest --overlay \(name)'")
    case .otherJob(let overlay, let own, let reference, let job):
      Failure(
        .invalidRequest,
        "the overlay '\(overlay)' is of job '\(own)', and \(reference) is of '\(job)'; choose another "
          + "name for an overlay on that")
    }
  }
}

extension Refusal.OfDevice {
  fileprivate var words: Failure {
    switch self {
    case .deviceMounted(let device, let volume, let directory):
      Failure(
        .inUse,
        "\(device) is in use: \(SelectedVolume.shortened(volume)) is mounted from it at \(directory)"
      )
    case .deviceAttached(let device, let volume):
      Failure(
        .inUse,
        "\(device) is in use for \(SelectedVolume.shortened(volume)); 'varve detach \(device)' frees "
          + "it")
    case .directoryInUse(let directory, let volume):
      Failure(
        .inUse,
        "\(directory) is in use for \(SelectedVolume.shortened(volume)); 'varve umount \(directory)' "
          + "frees it")
    case .notAttached(let device, let isConnected):
      Failure(
        .notFound,
        "varve has attached nothing to \(device)"
          + (isConnected
            ? "; who has connected it disconnects it with 'nbd-client -d \(device)'" : ""))
    case .mounted(let device, let directory):
      Failure(.inUse, "\(device) is mounted at \(directory); use 'varve umount \(directory)'")
    case .notMounted(let directory):
      Failure(
        .notFound, "\(directory) is not mounted by varve; 'varve mount' lists what is")
    case .deviceInUse(let use): Failure(.inUse, "\(use); end that first, then detach")
    case .mountedOver(let directory):
      Failure(.inUse, "something else is mounted over \(directory); unmount that first")
    case .cannotUnmount(let error, let user):
      Failure(.inUse, "\(error)" + (user.map { "; \($0) uses it" } ?? ""))
    case .kernelRefused(let error, let lines):
      Failure(.failed, "\(error); the kernel says: \(lines.joined(separator: "; "))")
    case .notADirectory(let path):
      Failure(.invalidRequest, "\(path) is not a directory; create it first")
    case .noSuchLogicalVolume(let name, let isAmbiguous, let disk, let present):
      Failure(
        .notFound,
        "\(disk) has \(isAmbiguous ? "more than one" : "no") logical volume \(name)"
          + listing(of: present))
    case .noSingleFileSystem(let hasSeveral, let disk, let present):
      Failure(
        .invalidRequest,
        (hasSeveral
          ? "\(disk) has several logical volumes with file systems; choose with --logical-volume"
          : "no logical volume of \(disk) has a file system that is known here")
          + listing(of: present))
    }
  }

  private func listing(of volumes: [AttachedDevice.LogicalVolume]) -> String {
    if volumes.isEmpty { return "; none is there" }
    var table = Table([.text("NAME"), .right("SIZE"), .left("TYPE")])
    for volume in volumes {
      table.add([
        Cell(volume.name), Cell(Quantities.bytes(volume.sizeBytes)),
        Cell(volume.type ?? "unknown"),
      ])
    }
    return ":\n" + table.lines(colours: false).joined(separator: "\n")
  }
}
