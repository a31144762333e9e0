import Administration
import Testing

@Suite struct DamageFillTests {
  @Test(
    arguments: [
      ("zeros", [0]), ("0x00", [0]), ("0xdeadbeef", [0xde, 0xad, 0xbe, 0xef]), ("0xFF", [0xff]),
    ] as [(String, [UInt8])])
  func patterns(text: String, pattern: [UInt8]) {
    #expect(DamageFill(text)?.pattern == pattern)
  }

  @Test(arguments: ["", "0x", "0xf", "0xzz", "deadbeef", "web01@latest", "ones"])
  func refused(text: String) { #expect(DamageFill(text) == nil) }

  @Test func aFillIsBounded() {
    let digits = String(repeating: "ab", count: DamageFill.maximumBytes)
    #expect(DamageFill("0x" + digits) != nil)
    #expect(DamageFill("0x" + digits + "ab") == nil)
  }
}
