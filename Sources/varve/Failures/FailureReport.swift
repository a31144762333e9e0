import ArgumentParser
import BackupEngine
import ChildProcesses
import ChunkStore
import FileIO
import GarbageCollection
import JSONText
import NBDServer
import Overlays
import Remedies
import SystemPackage
import VolumeReader
import VolumeSources
import VolumeTargets

/// A failure as a program reads it: what `--json` prints in place of the command's document.
///
/// ```json
/// {"error": {"code": "not-found", "message": "there is no job 'web02'", "remedy": null}}
/// ```
struct FailureReport {
  let code: FailureCode
  let message: String
  /// What the error itself knows to help.
  let remedies: [Remedy]

  init(_ code: FailureCode, _ message: String, remedies: [Remedy] = []) {
    self.code = code
    self.message = message
    self.remedies = remedies
  }

  /// What `error` says, for errors that a command throws.
  init(_ error: any Error) {
    switch error {
    case let error as UsageFailure: self.init(.usage, error.description)
    case is MissingSubcommand: self.init(.usage, "a subcommand is missing")
    case is ReportedFailure:
      self.init(.failed, "the messages on standard error say what failed")
    default:
      let isUsage = Varve.exitCode(for: error) == .validationFailure
      let code = (error as? any ClassifiedError)?.failureCode
      self.init(
        code ?? (isUsage ? .usage : .failed), Varve.message(for: error),
        remedies: Remedy.of(error))
    }
  }

  /// The signal that came.
  static var interruption: FailureReport {
    FailureReport(.interrupted, "stopped by \(Interruption.shared.signalName)")
  }

  var json: JSON {
    .object([
      "error": .object([
        "code": .string(code.rawValue), "message": .string(message.printableText),
        "remedy": .optional(RemedyWording.commandLine.text(remedies) ?? code.remedy),
      ])
    ])
  }
}

/// An error that knows its kind.
private protocol ClassifiedError: Error {
  var failureCode: FailureCode { get }
}

extension Failure: ClassifiedError {
  fileprivate var failureCode: FailureCode { code }
}

extension StoreError: ClassifiedError {
  fileprivate var failureCode: FailureCode {
    switch code {
    case .notARepository: .notARepository
    case .alreadyExists: .alreadyExists
    case .notFound: .notFound
    case .damaged, .damagedIndex: .damaged
    case .unsupported: .unsupported
    case .wrongKey: .wrongKey
    case .invalidRequest: .invalidRequest
    case .busy: .inUse
    case .pinned: .pinned
    case .noSpace: .noSpace
    case .readOnly: .readOnly
    case .fileSystem where isRefusal: .permissionDenied
    case .fileSystem, .index: .inputOutput
    }
  }
}

extension FailureCode {
  /// The kind of what the system answered.
  init(_ errno: Errno) {
    self = FileError(operation: "", path: "", errno: errno).failureCode
  }
}

extension FileError: ClassifiedError {
  fileprivate var failureCode: FailureCode {
    switch code {
    case .notFound: .notFound
    case .alreadyExists: .alreadyExists
    case .permissionDenied: .permissionDenied
    case .noSpace: .noSpace
    case .readOnly: .readOnly
    case .isDirectory, .notDirectory, .symbolicLink: .invalidRequest
    case .inputOutput: .inputOutput
    case .other: .failed
    }
  }
}

extension ReferenceError: ClassifiedError {
  fileprivate var failureCode: FailureCode { .notFound }
}

extension EngineError: ClassifiedError {
  fileprivate var failureCode: FailureCode {
    switch code {
    case .invalidRequest: .invalidRequest
    case .damaged: .damaged
    case .notIdentical: .notIdentical
    case .unusual: .unusual
    }
  }
}

extension CollectionError: ClassifiedError {
  fileprivate var failureCode: FailureCode {
    switch code {
    case .unreadable: .damaged
    case .lost: .lost
    case .largeShare: .unconfirmed
    }
  }
}

extension VolumeReadError: ClassifiedError {
  fileprivate var failureCode: FailureCode {
    switch code {
    case .invalidRange: .invalidRequest
    case .missing: .lost
    case .damaged: .damaged
    case .unreadable: .inputOutput
    }
  }
}

extension OverlayError: ClassifiedError {
  fileprivate var failureCode: FailureCode {
    switch code {
    case .noSpace: .noSpace
    case .inUse: .inUse
    case .notFound, .revisionGone: .notFound
    case .damaged, .unreadableBase: .damaged
    case .unsupported: .unsupported
    case .wrongRepository, .invalidRequest: .invalidRequest
    case .fileSystem: .inputOutput
    }
  }
}

extension VolumeSourceError: ClassifiedError {
  fileprivate var failureCode: FailureCode {
    switch code {
    case .notFound: .notFound
    case .permissionDenied: .permissionDenied
    case .notAVolume: .invalidRequest
    default: .inputOutput
    }
  }
}

extension RestoreTargetError: ClassifiedError {
  fileprivate var failureCode: FailureCode {
    switch code {
    case .notFound: .notFound
    case .alreadyExists: .alreadyExists
    case .permissionDenied: .permissionDenied
    case .notATarget: .invalidRequest
    case .tooSmall: .tooSmall
    case .mounted, .inUse: .inUse
    case .readOnly: .readOnly
    case .noSpace: .noSpace
    default: .inputOutput
    }
  }
}

extension ChildProcessError: ClassifiedError {
  fileprivate var failureCode: FailureCode {
    switch (code, errno) {
    case (.cannotRun, .noSuchFileOrDirectory): .notFound
    case (.cannotRun, .permissionDenied): .permissionDenied
    case (.cannotRun, _), (.failed, _), (.notReady, _): .failed
    case (.cancelled, _): .interrupted
    case (.unusableDirectory, _): .invalidRequest
    }
  }
}

extension ServerError: ClassifiedError {
  fileprivate var failureCode: FailureCode {
    switch code {
    case .addressInUse: .inUse
    case .notASocket, .invalidAddress: .invalidRequest
    case .system: .failed
    }
  }
}
