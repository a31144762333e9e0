import ArgumentParser

struct Completion: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print a script that lets a shell complete varve's commands and options.",
    discussion: """
      Completed are commands, options, files, and what the repository has: jobs, revisions, tags, \
      volumes, overlays, pins and keys. The repository is the one that the command line or \
      $VARVE_REPOSITORY names. A passphrase is never asked for or tried: without --key-file only ids of an \
      encrypted repository are completed.

        varve completion bash > /etc/bash_completion.d/varve
        varve completion zsh > "${fpath[1]}/_varve"
        varve completion fish > ~/.config/fish/completions/varve.fish
      """)

  enum Shell: String, ExpressibleByArgument, CaseIterable { case bash, zsh, fish }

  @Argument(help: "The shell: bash, zsh or fish.")
  var shell: Shell

  mutating func run() throws {
    let script =
      switch shell {
      case .bash: CompletionScript.bash
      case .zsh: CompletionScript.zsh
      case .fish: CompletionScript.fish
      }
    let output = StandardOutput()
    try output.write(script)
    try output.flush()
  }
}
