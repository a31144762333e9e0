package import ObjectStorage

extension ObjectStorage {
  /// Runs `body`; as long as there is no room, again after a part of the reserve was given up.
  package func makingRoom<Result>(
    for body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    var part = 0
    while true {
      do throws(StoreError) {
        return try body()
      } catch  where error.code == .noSpace {
        guard giveUpReserve(part) else { throw error }
        part += 1
      }
    }
  }
}
