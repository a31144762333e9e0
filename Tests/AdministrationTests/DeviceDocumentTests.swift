import Administration
import CalendarTime
import JSONText
import TestSupport
import Testing

@Suite("Documents of devices and directories")
struct DeviceDocumentTests {
  @Test func attached() {
    var attached = AttachedDevice(
      device: "/dev/nbd0", volume: "web01@1f", repository: "/srv/varve", isReadOnly: true)
    #expect(
      attached.json.text == """
        {"device":"/dev/nbd0","volume":"web01@1f","repository":"/srv/varve","readOnly":true,\
        "logicalVolumes":[]}
        """)
    attached.logicalVolumes = [
      .init(name: "vg0/root", path: "/dev/vg0.nbd0/root", sizeBytes: 5, type: nil)
    ]
    let volume = attached.json["logicalVolumes"]?.elements.first
    #expect(volume?["name"]?.string == "vg0/root" && volume?["type"] == .null)
  }

  @Test("a part of a volume is a partition or a logical volume")
  func mounted() {
    var record = LocalVolumeRecord(
      repository: "/srv/varve", volume: "web01@1f", created: 0, isWritable: true)
    record.directory = "/mnt"
    #expect(
      record.mounted(.serverGone).json.text == """
        {"directory":"/mnt","volume":"web01@1f","repository":"/srv/varve","partition":null,\
        "logicalVolume":null,"type":null,"readOnly":true,"device":null,\
        "created":"1970-01-01T00:00:00Z","state":"server gone"}
        """)
    record.partition = 2
    record.isMountedForWriting = true
    #expect(record.mounted(.mounted).json["partition"]?.count == 2)
    #expect(record.mounted(.mounted).json["readOnly"] == .bool(false))
    record.partition = nil
    record.logicalVolume = "vg0/root"
    #expect(record.mounted(.mounted).json["logicalVolume"]?.string == "vg0/root")
  }

  @Test func undone() {
    let detached = DetachedDevice(device: "/dev/nbd0", volume: "v", repository: "r")
    #expect(detached.json.text == #"{"device":"/dev/nbd0","volume":"v","repository":"r"}"#)
    let unmounted = UnmountedDirectory(directory: "/mnt", volume: "v", repository: "r")
    #expect(unmounted.json.text == #"{"directory":"/mnt","volume":"v","repository":"r"}"#)
  }
}
