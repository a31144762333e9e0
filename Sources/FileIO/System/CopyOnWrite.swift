import CLinux
import Glibc

extension statfs {
  /// `f_type` of statfs(2): btrfs, ZFS, bcachefs.
  private static let copyingTypes: Set<UInt> = [0x9123_683e, 0x2fc1_2fc1, 0xca45_1a4e]

  /// Whether the file system writes changed blocks to new places, so that every change needs room first.
  var copiesOnWrite: Bool { Self.copyingTypes.contains(UInt(bitPattern: Int(f_type))) }
}
