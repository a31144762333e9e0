/// Why a command failed, in words for the person who gave it.
struct Failure: Error, CustomStringConvertible {
  let code: FailureCode
  let description: String

  init(_ code: FailureCode, _ description: String) {
    self.code = code
    self.description = description
  }
}

/// The command was given wrongly: exit status 2, like what the parser refuses.
struct UsageFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// The command has failed, and has said all there is to say: exit status 1 without another word.
struct ReportedFailure: Error {}

/// A command that was run has ended with another status than 0, which becomes that of the program.
struct CommandEnding: Error {
  let status: Int32
}
