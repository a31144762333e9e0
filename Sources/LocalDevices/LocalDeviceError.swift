/// Why a disk, or a device of this machine, is not what is needed.
package struct LocalDeviceError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What the caller can do, which the front end words in its own terms.
  package enum Remedy: Sendable, Hashable {
    /// Name one of several partitions.
    case choosePartition
    /// Name one of several partitions or logical volumes.
    case choosePartitionOrLogicalVolume
    /// Name no partition: the disk has none.
    case mountWhole
    /// Attach the disk, and open what is on it with a tool of its own.
    case open(VolumeContent)
    /// Install the Debian package.
    case install(String)
  }

  package let description: String
  package let remedy: Remedy?
  /// What there is to choose from.
  package let listing: DiskInventory.Listing?

  package init(
    _ description: String, remedy: Remedy? = nil, listing: DiskInventory.Listing? = nil
  ) {
    self.description = description
    self.remedy = remedy
    self.listing = listing
  }
}
