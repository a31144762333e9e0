import ArgumentParser

/// A share as people write it: `5%`, `0.5%`; above 0 and at most 100.
struct Percentage: Equatable, Sendable {
  let percent: Double

  init?(_ text: some StringProtocol) {
    guard text.last == "%" else { return nil }
    let number = text.dropLast()
    guard number.allSatisfy({ "0"..."9" ~= $0 || $0 == "." }), let percent = Double(number),
      percent > 0, percent <= 100
    else { return nil }
    self.percent = percent
  }
}

extension Percentage: ExplainedArgument {
  static let expectation = "a percentage above 0% and up to 100%, such as 5% (with the % sign)"

  init?(argument: String) { self.init(argument) }
}

extension Percentage: CustomStringConvertible {
  /// `5 %`, `0.5 %`.
  var description: String {
    let whole = percent.rounded()
    return (whole == percent ? "\(Int(whole))" : "\(percent)") + " %"
  }
}
