import Administration
import ArgumentParser
import FileIO
import Glibc
import LocalDevices
import Remedies
import SystemPackage

/// The exit statuses of the program: these three, that of a command which it ran, or 128 and the number of
/// the signal that stopped it.
struct ExitStatus: RawRepresentable, Sendable {
  let rawValue: Int32

  static let done = ExitStatus(rawValue: 0)
  static let failed = ExitStatus(rawValue: 1)
  static let usage = ExitStatus(rawValue: 2)

  /// Prints what `error` has to say, where it belongs, and says how the program is to end.
  ///
  /// - Parameter asJSON: a program reads standard output: where nothing was written there, it gets the
  ///   failure as a document. What people read goes to standard error all the same.
  static func reporting(_ error: any Error, asJSON: Bool) -> ExitStatus {
    let error = wording(error)
    let status = reporting(error)
    let isFailure = status.rawValue != done.rawValue && !(error is CommandEnding)
    if asJSON, isFailure, !StandardOutput.hasWritten {
      let report = Interruption.shared.isRequested ? .interruption : FailureReport(error)
      // Nobody is left to be told when that fails, too.
      try? StandardOutput().document(report.json)
    }
    return status
  }

  /// The error in the words of this command line; what was noticed before it is printed.
  private static func wording(_ error: any Error) -> any Error {
    switch error {
    case let error as NoticedFailure:
      error.notices.warn()
      return wording(error.cause)
    case let error as Refusal: return error.words
    case let error as LocalDeviceError: return Failure(error)
    default: return error
    }
  }

  private static func reporting(_ error: any Error) -> ExitStatus {
    switch error {
    case is ReportedFailure: return .failed
    case let error as CommandEnding: return ExitStatus(rawValue: error.status)
    case let error as UsageFailure:
      Console.shared.message(error.description)
      return .usage
    case let error as MissingSubcommand:
      Console.shared.print(error.help)
      return .usage
    case let error as FileError where error.isClosedOutput: return .failed
    case _ where Interruption.shared.isRequested:
      Console.shared.message("stopped by \(Interruption.shared.signalName)")
      return Interruption.shared.exitStatus
    default: return reportingThroughParser(error)
    }
  }

  /// Errors of the parser carry usage or help; it words all others as they word themselves.
  private static func reportingThroughParser(_ error: any Error) -> ExitStatus {
    let isHelp = Varve.exitCode(for: error) == .success
    let shown: any Error =
      Remedy.of(error).isEmpty ? error : Failure(.failed, error.textWithRemedies)
    let text = Varve.fullMessage(for: shown)
    if isHelp {
      let output = StandardOutput()
      do {
        try output.write(text + "\n")
        try output.flush()
        return .done
      } catch {
        return reporting(error)
      }
    }
    let isUsage = Varve.exitCode(for: error) == .validationFailure
    // What was typed stands in the parser's words, what lies on a disk in all others.
    Console.shared.print(isUsage ? text.printableText : text.printableLines)
    return isUsage ? .usage : .failed
  }
}

extension FileError {
  /// Whoever read standard output has left, as `head` does: nothing that needs words.
  fileprivate var isClosedOutput: Bool { errno == .brokenPipe && path == "standard output" }
}
