import ArgumentParser

/// The program: what its subcommands have in common is in their options.
struct Varve: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "varve",
    abstract: "Back up disks of virtual machines, and open any revision as a block device.",
    discussion: """
      A repository is a directory. A job is one machine with its volumes. Every backup of a job \
      creates a revision, complete in itself. Content that revisions share is stored once.

        varve init /srv/varve
        varve backup -r /srv/varve web01 /dev/vg0/web01
        varve revisions -r /srv/varve
        varve restore -r /srv/varve web01@latest web01.raw
        varve mount -r /srv/varve web01@first /mnt
        varve serve -r /srv/varve

      Revisions are named JOB@SELECTOR[/VOLUME], on the command line and as exports alike:

        web01, web01@latest     the newest
        web01@first             the oldest
        web01@3                 counted back from the newest (0)
        web01@2026-11-20        the newest on or before that day (local zone), or
                                that time: 2026-11-20T14:30[:15][Z|+01:00]
        web01@today             the newest of today (local zone)
        web01@yesterday         the newest of yesterday
        web01@tag:nightly       the newest with that tag
        web01@1f3a, 1f3a9c02    by the id or its first digits, 4 at least
        db01@latest/vdb         one volume of several

      The repository is given by --repository, else by the environment variable \
      VARVE_REPOSITORY, else it is the current directory. --repository and the options that open \
      the repository can also be given before the command. Data goes to standard output, \
      everything else to standard error.

      The exit status is 0 if everything was done, 1 after a failure, 2 if the command line is \
      wrong, 130 after Ctrl-C, and 128 plus the signal's number after another signal. Long commands \
      show their progress on a terminal, and elsewhere print a line once a minute. VARVE_PROGRESS \
      sets the seconds between these lines; 0 means none. SIGUSR1 prints a line at once.
      """,
    version: "varve \(version)",
    groupedSubcommands: [
      CommandGroup(
        name: "Back up and restore",
        subcommands: [Init.self, Backup.self, Restore.self, Serve.self]
      ),
      CommandGroup(
        name: "Open a revision",
        subcommands: [Mount.self, Umount.self, Run.self, Attach.self, Detach.self]),
      CommandGroup(
        name: "Inspect and verify",
        subcommands: [
          Revisions.self, Show.self, Diff.self, Verify.self, Usage.self, Quarantine.self,
          Clients.self,
        ]),
      CommandGroup(
        name: "Keep and delete",
        subcommands: [Prune.self, Policy.self, Forget.self, Protect.self, Unprotect.self]),
      CommandGroup(
        name: "Manage a repository",
        subcommands: [
          Tag.self, RenameJob.self, Collect.self, Overlay.self, PinCommand.self, Key.self,
          CheckRepository.self,
          Repair.self, Distrust.self, Index.self, Config.self,
        ]),
      CommandGroup(name: "Shells", subcommands: [Completion.self, CompleteWords.self]),
    ])

  static let _errorPrefix = "varve: "

  func run() throws { throw MissingSubcommand(Self.helpMessage()) }
}

/// A command that only leads to others was called alone: help is due, but nothing was done.
struct MissingSubcommand: Error {
  let help: String

  init(_ help: String) { self.help = help }
}
