import ArgumentParser
import Glibc

@main
enum Main {
  static func main() {
    do {
      let arguments = try Arguments.normalised(CommandLine.arguments.dropFirst())
      var command = try Varve.parseAsRoot(arguments)
      try (command as? Serve)?.background.begin()
      try Interruption.shared.begin()
      try command.run()
    } catch {
      exit(ExitStatus.reporting(error).rawValue)
    }
  }
}
