/// Memory that connections share, as the window of one of them sees it.
package protocol WindowMemory: AnyObject {
  /// Takes memory for a piece of work and what answers it.
  ///
  /// - Returns: false when there is too little for now. Then the same is asked for again, and
  ///   ``ServerConnection/next()`` is to be called once there is enough.
  func take(_ bytes: Int) -> Bool

  /// The piece of work is done; its reply, where it has one, is still to be sent.
  func finish(_ bytes: Int)
}
