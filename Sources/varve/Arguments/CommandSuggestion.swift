/// The command that was probably meant by a word that is none.
struct CommandSuggestion {
  /// Words for what varve calls otherwise, from borg, restic and Proxmox Backup.
  private static let otherWords = [
    "create": "backup", "extract": "restore", "dump": "restore", "delete": "forget",
    "remove": "forget", "info": "show", "stats": "usage", "compact": "gc",
    "garbage-collect": "gc", "compare": "diff", "fsck": "check-repository", "unmount": "umount",
    "map": "attach", "unmap": "detach", "passwd": "key", "archives": "revisions",
    "rename": "rename-job",
  ]
  /// Of this many letters one may be wrong.
  private static let lettersPerMistake = 3

  let name: String

  /// Longer words are not compared, so that their length costs nothing.
  private static let longestWord = 40

  /// nil where no name is near.
  init?(for word: String, among names: [String]) {
    guard word.count <= Self.longestWord else { return nil }
    if let other = Self.otherWords[word], names.contains(other) {
      name = other
      return
    }
    // Of two that are equally near, the one that goes on as the word does.
    let near = names.map {
      (name: $0, distance: Self.distance(word, $0), isOther: $0.hasPrefix(word) ? 0 : 1)
    }.min { ($0.distance, $0.isOther) < ($1.distance, $1.isOther) }
    guard let near, near.distance <= max(1, near.name.count / Self.lettersPerMistake) else {
      let longer = names.filter { word.count >= 2 && $0.hasPrefix(word) }
      guard longer.count == 1 else { return nil }
      name = longer[0]
      return
    }
    name = near.name
  }

  /// How many letters must be put in, left out, changed, or swapped with their neighbour to make one
  /// word of another: the optimal string alignment distance.
  static func distance(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left), Array(right))
    var rows = [Array(0...right.count)]
    for (row, letter) in left.enumerated() {
      var line = [row + 1]
      for (column, other) in right.enumerated() {
        var least = min(
          line[column] + 1, rows[row][column + 1] + 1,
          rows[row][column] + (letter == other ? 0 : 1))
        if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
          least = min(least, rows[row - 1][column - 1] + 1)
        }
        line.append(least)
      }
      rows.append(line)
    }
    return rows[left.count][right.count]
  }
}
