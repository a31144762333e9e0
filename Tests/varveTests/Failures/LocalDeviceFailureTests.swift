import LocalDevices
import Testing

@testable import varve

@Suite struct LocalDeviceFailureTests {
  private func item(_ number: Int, _ content: VolumeContent?) -> DiskInventory.Item {
    DiskInventory.Item(number: number, bytes: 0..<500 << 10, content: content)
  }

  @Test func whatThereIsToChooseFromIsListed() {
    let listing = DiskInventory.Listing(items: [item(1, .ext2), item(2, nil)], cutOff: [3])
    let lines = Failure(
      LocalDeviceError("web01 has several", remedy: .choosePartition, listing: listing)
    ).description.split(separator: "\n")
    #expect(lines.count == 5)
    #expect(lines[0] == "web01 has several; choose with --partition:")
    #expect(lines[2].hasSuffix("1  500 KiB  ext2"))
    #expect(lines[3].hasSuffix("2  500 KiB  unknown"))
    #expect(lines[4].hasSuffix("extends past the end of the disk"))
  }

  @Test func anEmptyTableIsSaidToBeEmpty() {
    let listing = DiskInventory.Listing(items: [], cutOff: [])
    #expect(
      Failure(LocalDeviceError("web01 has no partition 1", listing: listing)).description
        == "web01 has no partition 1; its partition table is empty")
  }

  @Test func howToOpenAContainerIsSaid() {
    let error = LocalDeviceError(
      "web01 is not a file system but \(VolumeContent.luks.kind)", remedy: .open(.luks))
    #expect(
      Failure(error).description
        == "web01 is not a file system but encrypted (LUKS): use 'varve attach', then "
        + "'cryptsetup open' and mount(8)")
  }
}
