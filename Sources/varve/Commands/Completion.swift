import ArgumentParser

struct Completion: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print a script that lets a shell complete varve's commands and options.",
    discussion: """
      Completes commands, options, files, and names in the repository: jobs, revisions, tags, \
      volumes, overlays, pins and keys. It uses the repository of the command line or of \
      $VARVE_REPOSITORY. It never asks for a passphrase and never uses one: without --key-file \
      it completes only the ids of an encrypted repository.

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
