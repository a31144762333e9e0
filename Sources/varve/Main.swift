import ArgumentParser
import Glibc

@main
enum Main {
  static func main() {
    do {
      var command = try Varve.parseAsRoot(Arguments.normalised(CommandLine.arguments.dropFirst()))
      try (command as? Serve)?.background.begin()
      try Interruption.shared.begin()
      try command.run()
    } catch {
      exit(ExitStatus.reporting(error).rawValue)
    }
  }
}
