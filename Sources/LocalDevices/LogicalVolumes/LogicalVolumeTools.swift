package import ChildProcesses

/// Runs LVM's programs for the volume groups of attached disks. The programs see only the named
/// devices, ignore the devices file, and write no backup of the metadata.
package struct LogicalVolumeTools {
  /// An active logical volume.
  package struct LogicalVolume: Equatable {
    /// The name that its volume group has while the disk is attached.
    package let group: String
    package let name: String
    package let sizeBytes: UInt64
    /// The path for people: `/dev/GROUP/NAME`.
    package let path: String
    /// The path that the kernel lists: `/dev/mapper/GROUP-NAME`.
    package let mapperPath: String
  }

  static let program = "lvm"

  /// The paths of the physical volumes.
  let devices: [String]

  package init(devices: [String]) { self.devices = devices }

  package static var areInstalled: Bool { Tool.isInstalled(program) }

  /// Makes block devices of all logical volumes.
  ///
  /// - Parameter isReadOnly: whether to make them read-only, because their device is read-only.
  /// - Throws: `ChildProcessError` if at least one of them cannot be activated.
  package func activate(isReadOnly: Bool) throws(ChildProcessError) {
    try tool(
      ["vgchange", "--activate", "y", "--ignoreactivationskip", "--poll", "n"],
      isReadOnly: isReadOnly
    ).run()
  }

  /// Removes the block devices, and their nodes and links below /dev.
  package func deactivate() throws(ChildProcessError) {
    try tool(["vgchange", "--activate", "n"]).run()
  }

  /// The logical volumes that are active and visible to users.
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

  /// The configuration for a run (lvm.conf(5)). Uses a filter, since LVM before 2.03.12 has no
  /// --devices.
  private func configuration(_ isReadOnly: Bool) -> String {
    let filter = devices.map { "\"a|^\($0)$|\"" } + ["\"r|.*|\""]
    let list = filter.joined(separator: ",")
    let readOnly = isReadOnly ? " read_only_volume_list=[\"@*\",\"*\"]" : ""
    return "devices{use_devicesfile=0 global_filter=[\(list)] filter=[\(list)]} "
      + "activation{monitoring=0\(readOnly)} backup{backup=0 archive=0}"
  }
}
