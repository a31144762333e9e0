extension Array where Element == UInt8 {
  /// `count` bytes that `fill` writes; it returns how many of them it filled.
  package static func filled<Failure: Error>(
    count: Int, by fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(Failure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let outcome: Result<Int, Failure> = bytes.withUnsafeMutableBytes { buffer in
      do throws(Failure) {
        return .success(try fill(buffer))
      } catch {
        return .failure(error)
      }
    }
    bytes.removeLast(count - (try outcome.get()))
    return bytes
  }
}
