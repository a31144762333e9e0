import Testing

@testable import varve

@Suite struct ByteSizeTests {
  @Test(
    arguments: [
      ("0", 0), ("512", 512), ("512B", 512), ("64K", 65536), ("64k", 65536), ("128KiB", 131_072),
      ("128 kib", 131_072), ("4MiB", 4_194_304), ("1.5GiB", 1_610_612_736), ("0.125K", 128),
      ("20T", 21_990_232_555_520), ("8191PiB", 9_222_246_136_947_933_184),
    ] as [(String, UInt64)])
  func sizes(text: String, bytes: UInt64) {
    #expect(ByteSize(text)?.bytes == bytes)
  }

  @Test(
    "refused",
    arguments: [
      "", "K", "-1", "+1", "1KB", "1MB", "1e6", "1.5", "1.", ".5K", "1.2345K", "0.1K", "1KiBB",
      "8192PiB", "18446744073709551616", "٤K", "1.2.3K", "0x10",
    ])
  func refused(text: String) { #expect(ByteSize(text) == nil) }

  @Test(
    arguments: [
      (0, "0"), (1, "1"), (1000, "1000"), (65536, "64KiB"), (131_072, "128KiB"), (1 << 20, "1MiB"),
      (3 << 19, "1536KiB"), (1 << 62, "4096PiB"),
    ] as [(UInt64, String)])
  func writtenInTheLargestUnitThatDividesIt(bytes: UInt64, text: String) {
    #expect(ByteSize(bytes: bytes).description == text)
    #expect(ByteSize(text)?.bytes == bytes)
  }
}

@Suite struct PercentageTests {
  @Test(arguments: [("5%", 5, "5 %"), ("0.5%", 0.5, "0.5 %"), ("100%", 100, "100 %")])
  func shares(text: String, percent: Double, description: String) {
    #expect(Percentage(text)?.percent == percent)
    #expect(Percentage(text)?.description == description)
  }

  @Test(arguments: ["5", "0%", "101%", "-5%", "%", "5 %", "nan%", "inf%", "0x5%", "1e1%", ""])
  func refused(text: String) { #expect(Percentage(text) == nil) }
}
