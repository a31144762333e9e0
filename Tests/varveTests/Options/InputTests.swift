import ArgumentParser
import Testing

@testable import varve

@Suite struct NamedInputTests {
  @Test(
    arguments: [
      ("/dev/vg0/db", nil, "/dev/vg0/db"), ("vda=/dev/vg0/db", "vda", "/dev/vg0/db"),
      ("vda=-", "vda", "-"), ("-", nil, "-"), ("./a=b.raw", nil, "./a=b.raw"),
      ("vda=a=b.raw", "vda", "a=b.raw"), ("=a.raw", nil, "=a.raw"), ("vda=", "vda", ""),
      ("two words=a.raw", nil, "two words=a.raw"),
    ] as [(String, String?, String)])
  func nameAndPath(text: String, name: String?, path: String) {
    let input = NamedInput(text)
    #expect(input.name == name)
    #expect(input.path == path)
  }
}

@Suite struct BackupInputTests {
  @Test func aSingleVolumeNeedsNoName() throws {
    let inputs = try VolumeInputs(["disk.raw"])
    #expect(inputs.volumes.map(\.name) == ["disk"])
    #expect(inputs.volumes.map(\.path) == ["disk.raw"])
  }

  @Test func severalVolumesKeepTheirNamesAndOrder() throws {
    #expect(try VolumeInputs(["vdb=b", "vda=a"]).volumes.map(\.name) == ["vdb", "vda"])
  }

  @Test(
    "refused",
    arguments: [
      (["a.raw", "b.raw"], "name each"), (["vda=a.raw", "b.raw"], "NAME=b.raw"),
      (["vda=a.raw", "vda=b.raw"], "used twice"), (["vda=-", "vdb=-"], "one volume only"),
      (["vda="], "no source"), ([""], "no source"),
    ])
  func refusedVolumes(arguments: [String], hint: String) throws {
    let error = try #require(throws: ValidationError.self) { try VolumeInputs(arguments) }
    #expect(error.message.contains(hint), "\(error.message)")
  }

  @Test func attachmentsAreCalledLikeTheirFiles() throws {
    let inputs = try AttachmentInputs(["/etc/libvirt/qemu/web01.xml", "notes=readme.txt"])
    #expect(inputs.attachments.map(\.name) == ["web01.xml", "notes"])
    #expect(inputs.attachments.map(\.path) == ["/etc/libvirt/qemu/web01.xml", "readme.txt"])
  }

  @Test("refused", arguments: [["a/x.xml", "b/x.xml"], ["/"], [""], ["notes="]])
  func refusedAttachments(arguments: [String]) {
    #expect(throws: ValidationError.self) { try AttachmentInputs(arguments) }
  }
}

@Suite struct ListenArgumentTests {
  @Test(arguments: [
    ("127.0.0.1:10809", "127.0.0.1", 10809), ("[::1]:0", "::1", 0),
    ("backup.example:65535", "backup.example", 65535),
  ])
  func addresses(text: String, host: String, port: Int) {
    #expect(ListenArgument(text)?.host == host)
    #expect(ListenArgument(text)?.port == port)
  }

  @Test(arguments: [
    "", "nonsense", ":10809", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:10809",
    "[]:1", "[127.0.0.1]:1", "a b:1", "nbd://host:1", "user@host:1",
  ])
  func refused(text: String) { #expect(ListenArgument(text) == nil) }
}
