import ChunkFormat
import FileIO
import Glibc
import SystemPackage
package import Workers

extension Host {
  /// This machine and process, as sessions and pins name them.
  package static func current() -> Host {
    Host(name: ownName(), machine: ownIdentifier, process: getpid())
  }

  /// A hash of what /etc/machine-id says, which is not to be shown to others (machine-id(5)).
  private static let ownIdentifier: String = {
    guard let id = try? POSIXFileSystem().readAll("/etc/machine-id", limitBytes: 64),
      !id.isEmpty, let digest = try? FileDigest(of: Array("varve machine ".utf8) + id)
    else { return "" }
    return String(digest.description.prefix(32))
  }()

  private static func ownName() -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "" }
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
