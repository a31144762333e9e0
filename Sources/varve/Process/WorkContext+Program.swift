import ChunkStore
import Workers

extension WorkContext {
  /// For the operations of this process: signals stop them.
  static func ofProgram(showing progress: any WorkProgress = UnseenProgress()) -> WorkContext {
    WorkContext(
      host: .current(), cancellation: Interruption.shared.flag, progress: progress)
  }
}
