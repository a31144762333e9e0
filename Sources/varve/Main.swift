import ArgumentParser
import ChildProcesses
import FileIO
import Glibc

@main
enum Main {
  static func main() {
    StandardDescriptors.occupy()
    StorageNotice.handle { Console.shared.warning($0.description) }
    let given = Arguments.given().dropFirst()
    LockPatience.begin()
    ProcessLaunch.withhold([SecretSource.passphraseVariable])
    do {
      let arguments = try Arguments.normalised(given)
      var command = try Varve.parseAsRoot(arguments)
      try (command as? Serve)?.background.begin()
      try Interruption.shared.begin()
      try command.run()
    } catch {
      let asJSON = Arguments.contain("--json", given)
      exit(ExitStatus.reporting(error, asJSON: asJSON).rawValue)
    }
  }
}
