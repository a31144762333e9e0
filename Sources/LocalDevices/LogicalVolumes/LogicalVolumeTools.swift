package import ChildProcesses

/// LVM's programs, which see nothing but the devices that are named, ask no file of devices, and write no
/// backup of what they find: for the volume groups of attached disks.
package struct LogicalVolumeTools {
  /// A logical volume that is active.
  package struct LogicalVolume: Equatable {
    /// Its group's, as it is called while the disk is attached.
    package let group: String
    package let name: String
    package let sizeBytes: UInt64
    /// For people: `/dev/GROUP/NAME`.
    package let path: String
    /// As the kernel lists it: `/dev/mapper/GROUP-NAME`.
    package let mapperPath: String
  }

  static let program = "lvm"

  /// Paths of the physical volumes.
  let devices: [String]

  package init(devices: [String]) { self.devices = devices }

  package static var areInstalled: Bool { Tool.isInstalled(program) }

  /// Makes block devices of all logical volumes.
  ///
  /// - Parameter isReadOnly: whether none of them can be written to, as their device.
  /// - Throws: where some of them, or all, cannot be had.
  package func activate(isReadOnly: Bool) throws(ChildProcessError) {
    try tool(
      ["vgchange", "--activate", "y", "--ignoreactivationskip", "--poll", "n"],
      isReadOnly: isReadOnly
    ).run()
  }

  /// Removes the block devices, and what stands for them below /dev.
  package func deactivate() throws(ChildProcessError) {
    try tool(["vgchange", "--activate", "n"]).run()
  }

  /// Those that are active now and for people to use.
  package func active() throws(ChildProcessError) -> [LogicalVolume] {
    let fields = ["vg_name", "lv_name", "lv_size", "lv_path", "lv_dm_path", "lv_active"]
    let lines = try tool([
      "lvs", "--noheadings", "--nameprefixes", "--unquoted", "--separator", "|", "--units", "b",
      "--nosuffix", "--options", fields.joined(separator: ","),
    ]).output()
    return lines.compactMap(Self.volume)
  }

  /// Reads `LVM2_VG_NAME=vg0|LVM2_LV_NAME=root|…`; nil for other lines, such as warnings.
  static func volume(_ line: String) -> LogicalVolume? {
    var values: [Substring: String] = [:]
    for field in line.split(separator: "|") {
      let parts = field.drop { $0 == " " }.split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { values[parts[0]] = String(parts[1]) }
    }
    guard let group = values["LVM2_VG_NAME"], let name = values["LVM2_LV_NAME"],
      let size = values["LVM2_LV_SIZE"].flatMap({ UInt64($0) }), let path = values["LVM2_LV_PATH"],
      let mapperPath = values["LVM2_LV_DM_PATH"], values["LVM2_LV_ACTIVE"] == "active",
      path.hasPrefix("/"), mapperPath.hasPrefix("/")
    else { return nil }
    return LogicalVolume(
      group: group, name: name, sizeBytes: size, path: path, mapperPath: mapperPath)
  }

  private func tool(_ words: [String], isReadOnly: Bool = false) -> Tool {
    Tool(
      [Self.program] + words.prefix(1) + ["--config", configuration(isReadOnly)] + words.dropFirst()
    )
  }

  /// lvm.conf(5). A filter rather than --devices, which LVM has only since 2.03.12.
  private func configuration(_ isReadOnly: Bool) -> String {
    let filter = devices.map { "\"a|^\($0)$|\"" } + ["\"r|.*|\""]
    let list = filter.joined(separator: ",")
    let readOnly = isReadOnly ? " read_only_volume_list=[\"@*\",\"*\"]" : ""
    return "devices{use_devicesfile=0 global_filter=[\(list)] filter=[\(list)]} "
      + "activation{monitoring=0\(readOnly)} backup{backup=0 archive=0}"
  }
}
