package import Administration
import ArgumentParser

extension DamageFill: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}
