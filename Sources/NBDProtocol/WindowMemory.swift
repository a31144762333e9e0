/// Memory that several connections share, as the window of one connection uses it.
package protocol WindowMemory: AnyObject {
  /// Reserves memory for a piece of work and its reply.
  ///
  /// - Returns: false when there is too little memory for now. The driver then calls
  ///   ``ServerConnection/next()`` once there is enough, and the window asks again.
  func take(_ bytes: Int) -> Bool

  /// The piece of work is done. Its reply, if it has one, is still to be sent.
  func finish(_ bytes: Int)
}
