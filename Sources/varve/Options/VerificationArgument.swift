import ArgumentParser
import BackupEngine

/// How much a backup reads back: `auto`, `full`, `none`, or a share such as `5%`.
struct VerificationArgument: Equatable, Sendable {
  let policy: VerificationPolicy

  static let automatic = VerificationArgument(policy: .automatic)
}

extension VerificationArgument: ExplainedArgument {
  static let expectation = "auto, full, none, or \(Percentage.expectation)"

  init?(argument: String) {
    switch argument {
    case "auto": policy = .automatic
    case "full": policy = .full
    case "none": policy = .none
    default:
      guard let share = Percentage(argument) else { return nil }
      policy = .sample(percent: share.percent)
    }
  }

  var defaultValueDescription: String { policy == .automatic ? "auto" : "\(policy)" }
}
