import ArgumentParser

struct Completion: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print a script that lets a shell complete varve's commands and options.",
    discussion: """
        varve completion bash > /etc/bash_completion.d/varve
        varve completion zsh > "${fpath[1]}/_varve"
        varve completion fish > ~/.config/fish/completions/varve.fish
      """)

  enum Shell: String, ExpressibleByArgument, CaseIterable { case bash, zsh, fish }

  @Argument(help: "The shell: bash, zsh or fish.")
  var shell: Shell

  mutating func run() throws {
    let kind: CompletionShell =
      switch shell {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    let output = StandardOutput()
    try output.write(Varve.completionScript(for: kind) + "\n")
    try output.flush()
  }
}
