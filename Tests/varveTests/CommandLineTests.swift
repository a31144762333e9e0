import Administration
import ArgumentParser
import ChunkStore
import Testing

@testable import varve

@Suite struct CommandLineTests {
  private func words(_ text: String) throws -> [String] {
    try Arguments.normalised(text.split(separator: " ").map(String.init))
  }

  @Test(
    "wrong command lines",
    arguments: [
      "init a b", "init a -r b", "init --chunk-size 100KiB",
      "init --chunk-size 32KiB",
      "init --chunk-size 8MiB", "init --chunk-size 4096PiB", "init --compression lzw",
      "init --compression zstd:20", "init --encrypt aes", "init --encrypt keyfile",
      "init --encrypt passphrase --key-file k", "init --encrypt keyfile --passphrase-file p",
      "init --passphrase-file p", "init --passphrase secret", "backup", "backup web01",
      "backup a/b disk", "backup web01 a b", "backup web01 x=a x=b", "backup web01 a=- b=-",
      "backup web01 a --tag a,b", "backup web01 a --verify 0%", "backup web01 a --verify some",
      "backup web01 a --attach x/f --attach y/f",
      "backup web01 a --passphrase-file p --key-file k", "restore web01", "restore web01@ out",
      "restore web01 - --verify", "restore web01 - --json", "restore web01 out --skip-damaged=x",
      "show", "show web01@tomorrow", "show web01 --attachment x --json", "diff web01@1", "verify",
      "verify --all web01", "verify web01/vda", "verify --sample 5", "verify --sample 0%",
      "serve --listen nonsense", "serve --listen 1.2.3.4:70000", "serve --cache-size 1",
      "serve web01@", "serve --overlay a/b", "serve web01 --writable --overlay x",
      "serve --overlay-directory d", "serve --overlay x --overlay-directory=", "overlay remove",
      "overlay remove a/b", "overlay commit", "overlay commit x --job a@b", "revisions a b",
      "serve a/b/c", "serve --unix-mode 660", "serve --unix s --unix-mode 8", "serve --tls on",
      "serve --tls-psk a --tls-certificates b", "serve --max-clients 0", "serve --option-timeout 0",
      "serve --reply-memory 1MiB", "serve --pidfile=", "serve --log-file=", "clients web01",
      "revisions a@b", "revisions --tag a=b", "tag add web01",
      "tag add web01 a:b", "key remove", "key add --new-key-file a --new-passphrase-file b",
      "completion tcsh", "completion", "run", "run web01", "run web01 ls", "run web01 --",
      "run -- ls", "attach", "attach web01", "attach web01 /dev/sda", "attach web01 /dev/nbd",
      "attach web01 /dev/nbd01", "attach web01 /dev/nbd0 --connections 0",
      "run web01 --overlay-directory d -- ls",
      "attach web01 /dev/nbd0 --connections 17", "detach", "detach /dev/nbd-1", "mount web01",
      "mount web01 /mnt --partition 0", "mount --partition 1", "mount --read-write",
      "mount web01 /mnt -o noatime,rw", "mount web01 /mnt -o loop", "umount", "umount a b",
      "prune a/b", "prune --keep-last 0", "prune --keep-daily x", "prune --keep-daily -1",
      "prune --keep-within 30", "prune --keep-within 0d", "prune --keep-tag a=b",
      "prune --keep-schedule daily", "prune --keep-schedule daily=1d",
      "prune --keep-schedule daily=1x:9", "prune --keep-schedule daily=1d:0",
      "prune --keep-schedule a/b=1d:9", "prune --time-zone Nowhere/Else",
      "prune --orphaned-after 90",
      "prune --forget-orphaned", "policy set", "policy set web01",
      "policy set --time-zone UTC", "policy set a/b --keep-last 1", "policy show a b",
      "policy remove a b", "forget", "forget web01@", "forget web01@0/vda", "forget a --job a",
      "forget --job a/b", "protect", "protect web01@0/vda", "unprotect",
      "unprotect web01@tomorrow",
      "distrust", "distrust --job web01", "distrust web01 --from 2026-01-01", "distrust web01/vda",
      "distrust --from yesterday", "repair", "repair --from=", "check-repository --packs some",
      "check-repository web01", "quarantine web01",
    ])
  func areUsageErrors(text: String) {
    let error = #expect(throws: (any Error).self) { try Varve.parseAsRoot(try words(text)) }
    guard let error else { return }
    #expect(Varve.exitCode(for: error) == .validationFailure)
    #expect(Varve.fullMessage(for: error).hasPrefix("varve: "))
  }

  @Test(
    "right ones",
    arguments: [
      "init", "init dir -r dir", "init dir --encrypt keyfile --key-file k --chunk-size 64K",
      "init --compression none", "backup web01 -", "backup web01 vda=a vdb=- -t x -t y --verify 5%",
      "backup web01 ./a=b --no-deltas --attach x/f --attach g=y/f", "restore web01 -",
      "restore web01@2026-11-20T14:30/vda out --skip-damaged --force --verify",
      "restore --skip-damaged=0xff web01 out", "verify --all", "verify --all --sample 5%",
      "verify web01 db01@3", "serve", "serve --unix s", "serve --listen [::1]:0 --listen a:1",
      "serve web01 --writable", "serve web01@1/vda --overlay x --overlay-directory d",
      "overlay list --json", "overlay commit x --job y -t a -t b --keep --verify none --json",
      "overlay remove x --overlay-directory d", "revisions web01 --tag nightly --json", "tag list",
      "serve web01 db01@latest/vda --print-uri --pidfile p", "serve --tls-psk a --tls-allow b",
      "serve --daemonize --log-file l",
      "serve --max-clients 1 --option-timeout 5 --reply-memory 1GiB",
      "clients", "clients --json",
      "run web01 -- ls -l --json",
      "run --writable web01@1/vda -r x -- nbdinfo $uri", "attach web01@1 /dev/nbd15 --writable",
      "attach web01 /dev/nbd0 --connections 4", "detach /dev/nbd0", "mount", "mount --json",
      "mount web01@1/vda /mnt --partition 5 --read-write -o noatime,subvol=@home", "umount /mnt",
      "key import -", "index rebuild --json", "prune", "prune a b --dry-run --json --yes",
      "prune --keep-last 1 --keep-hourly 2 --keep-daily 3 --keep-weekly 4 --keep-monthly 5",
      "prune --keep-yearly 6 --keep-within 1y6m --keep-tag a --keep-tag b --time-zone Europe/Berlin",
      "prune --keep-schedule daily=1d:9 --keep-schedule weekly=7d:5",
      "prune --orphaned-after 90d --forget-orphaned", "policy set --keep-last 1",
      "policy set web01 --keep-last 1 --time-zone UTC", "policy show", "policy show web01 --json",
      "policy remove", "policy remove web01", "forget web01@1 db01@first --dry-run --json",
      "forget --job web01 --yes --force-protected", "protect web01 db01@first", "unprotect web01@1",
      "distrust web01 db01@1", "quarantine --json",
      "distrust --job web01 --from 2026-11-03 --until 2026-11-07T06:00Z --json",
      "repair --from dir --dry-run --json", "check-repository --fix --packs quick --json",
    ])
  func areUnderstood(text: String) throws { _ = try Varve.parseAsRoot(try words(text)) }

  @Test func anOptionalValueDoesNotTakeTheTarget() throws {
    let command = try Varve.parseAsRoot(words("restore --skip-damaged web01@0 out.raw"))
    let restore = try #require(command as? Restore)
    #expect(restore.skipDamaged == .zeros)
    #expect(restore.revision.text == "web01@0")
    #expect(restore.target == "out.raw")
  }

  @Test func aPassphraseIsNeverAnArgument() {
    for command in everyCommand(of: Varve.self) {
      let help = Varve.helpMessage(for: command, includeHidden: true, columns: 200)
      #expect(!help.contains("--passphrase ") && !help.contains("--passphrase="))
    }
  }

  @Test func helpIsWorthReadingEverywhere() {
    for command in everyCommand(of: Varve.self) {
      let name = command._commandName
      #expect(command.configuration.abstract.hasSuffix("."), "\(name)")
      let isLeaf = command.configuration.subcommands.isEmpty
      #expect(!command.configuration.discussion.isEmpty || !isLeaf || name == "list", "\(name)")
      for line in undocumentedOptions(in: Varve.helpMessage(for: command, columns: 200)) {
        Issue.record("\(name): '\(line)' is not explained")
      }
    }
  }

  private func everyCommand(of root: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
    [root] + root.configuration.subcommands.flatMap(everyCommand)
  }

  /// Lines of options and arguments with nothing behind or below them.
  private func undocumentedOptions(in help: String) -> [Substring] {
    let lines = help.split(separator: "\n", omittingEmptySubsequences: false)
    return zip(lines, lines.dropFirst() + [""]).filter { line, next in
      (line.hasPrefix("  -") || line.hasPrefix("  <"))
        && !line.dropFirst(2).contains("  ") && !next.hasPrefix("          ")
    }.map(\.0)
  }
}
