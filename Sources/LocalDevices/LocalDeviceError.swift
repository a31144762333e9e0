/// The reason why a disk, or a device of this machine, cannot be used.
package struct LocalDeviceError: Error, Sendable, Hashable, CustomStringConvertible {
  /// An action that solves the problem. The front end words it for the user.
  package enum Remedy: Sendable, Hashable {
    /// Name one of several partitions.
    case choosePartition
    /// Name one of several partitions or logical volumes.
    case choosePartitionOrLogicalVolume
    /// Do not name a partition: the disk has none.
    case mountWhole
    /// Attach the disk, and open its content with the tool for this content.
    case open(VolumeContent)
    /// Install the Debian package.
    case install(String)
  }

  package let description: String
  package let remedy: Remedy?
  /// The items from which the user can choose.
  package let listing: DiskInventory.Listing?

  package init(
    _ description: String, remedy: Remedy? = nil, listing: DiskInventory.Listing? = nil
  ) {
    self.description = description
    self.remedy = remedy
    self.listing = listing
  }
}
