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
      Failure(.notFound, "job '\(job)' has no revisions any more")
    case .noCommonVolume(let older, let newer): Self.noCommonVolume(older, newer)
    case .emptyTimeRange: UsageFailure("--from is after --until")
    case .timeOffCalendar:
      Failure(.invalidRequest, "this time is outside the system's calendar")
    case .unknownTimeZone(let name): Failure(.notFound, RetentionArgument.noZone(name))
    case .systemTimeZone(let fault): Failure(.invalidRequest, fault)
    case .sameRepository(let path):
      Failure(
        .invalidRequest,
        "\(path) is the repository to be repaired; name another one with --from")
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
        .notFound,
        "job '\(job)' has no policy, and there is no default; store one with 'varve policy set'")
    case .notStored(let job):
      Failure(
        .notFound,
        job.map { "job '\($0)' has no policy of its own; 'varve policy show' lists all policies" }
          ?? "there is no default policy; 'varve policy show' lists all policies")
    case .noRules:
      UsageFailure(
        "no retention rules given: use --keep-daily 7 or another rule, or store a policy with "
          + "'varve policy set'")
    case .nothingToApply(let job):
      UsageFailure(
        "job '\(job)' has no policy, and there is no default: use --keep-daily 7 or another rule, or "
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
        "nothing was forgotten: the tags, trust, protection or readers of \(entry.oneLine) changed "
          + "meanwhile; run the command again")
    case .namesJob(let job):
      Failure(
        .invalidRequest,
        "'\(job)' is a job: write \(job)@latest for its newest revision, or --job \(job) for all")
    case .protected(let held): protected(held)
    case .mayMeanUnreadable(let name, let id):
      Failure(
        .unconfirmed,
        "'\(name)' may refer to revision \(id), which cannot be read; name the revision by its id, or "
          + "add --yes to ignore the unreadable one")
    case .unreadable(let id):
      Failure(
        .unconfirmed,
        "revision \(id) cannot be read, so its content and protection are unknown; add --yes to "
          + "delete it")
    case .wouldLeaveNone(let job):
      Failure(.unconfirmed, "no revision of \(job) would be left; add --yes to delete all")
    case .wouldLeaveNoneUsable(let job, let left):
      Failure(
        .unconfirmed,
        "no usable revision of \(job) would be left, only \(left) distrusted or unusual "
          + (left == 1 ? "one" : "ones") + "; add --yes to continue")
    }
  }

  private func protected(_ held: [RevisionEntry]) -> Failure {
    let names = held.map { entry in
      entry.oneLine + (entry.marks.isProtected ? "" : " (possibly: its marks cannot be read)")
    }
    return Failure(
      .protected,
      "nothing was forgotten: protected: \(names.joined(separator: ", ")); run 'varve unprotect' first, "
        + "or use --force-protected")
  }
}

extension Refusal.OfPin {
  fileprivate var words: Failure {
    switch self {
    case .none(let name):
      Failure(.notFound, "there is no pin \(name); 'varve pin list' lists all pins")
    case .ambiguous(let name, let found):
      Failure(
        .invalidRequest,
        "'\(name)' is ambiguous; pins that begin with it: "
          + found.map(\.description).joined(separator: ", "))
    case .unreadable(let name):
      Failure(
        .unconfirmed,
        "pin \(name) cannot be read, so its revision and its overlay are unknown; add --yes to "
          + "release it")
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
        "the repository \(repository) is not encrypted, so it has no keys; encryption is chosen with "
          + "'varve init --encrypt'")
    }
  }
}

extension Refusal.OfServing {
  fileprivate var words: any Error {
    switch self {
    case .severalRevisions(let overlay, let references):
      UsageFailure(
        "--overlay \(overlay) takes one revision, found \(references.count): "
          + references.joined(separator: " "))
    case .noOverlay(let name):
      UsageFailure(
        "there is no overlay '\(name)'; to create it, name its revision, such as "
          + "'varve serve web01@latest --overlay \(name)'")
    case .otherJob(let overlay, let own, let reference, let job):
      Failure(
        .invalidRequest,
        "overlay '\(overlay)' belongs to job '\(own)', but \(reference) belongs to job '\(job)'; choose "
          + "another overlay name")
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
        "\(device) is in use for \(SelectedVolume.shortened(volume)); run 'varve detach \(device)' "
          + "first")
    case .directoryInUse(let directory, let volume):
      Failure(
        .inUse,
        "\(directory) is in use for \(SelectedVolume.shortened(volume)); run "
          + "'varve umount \(directory)' first")
    case .notAttached(let device, let isConnected):
      Failure(
        .notFound,
        "\(device) was not attached by varve"
          + (isConnected
            ? "; another program connected it; 'nbd-client -d \(device)' disconnects it" : ""))
    case .mounted(let device, let directory):
      Failure(.inUse, "\(device) is mounted at \(directory); run 'varve umount \(directory)' first")
    case .notMounted(let directory):
      Failure(
        .notFound, "\(directory) is not a varve mount; 'varve mount' lists all mounts")
    case .deviceInUse(let use): Failure(.inUse, "\(use); end that first, then detach")
    case .mountedOver(let directory):
      Failure(.inUse, "something else is mounted over \(directory); unmount that first")
    case .cannotUnmount(let error, let user):
      Failure(.inUse, "\(error)" + (user.map { "; \($0) uses it" } ?? ""))
    case .kernelRefused(let error, let lines):
      Failure(.failed, "\(error); kernel log: \(lines.joined(separator: "; "))")
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
          : "no logical volume of \(disk) has a file system that varve knows")
          + listing(of: present))
    }
  }

  private func listing(of volumes: [AttachedDevice.LogicalVolume]) -> String {
    if volumes.isEmpty { return "; the disk has none" }
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
