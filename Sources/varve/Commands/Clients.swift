import Administration
import ArgumentParser
import CalendarTime
import JSONText
import NBDServer

struct Clients: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show who is connected to the servers of this user.",
    usage: "varve clients [--json]",
    discussion: """
      Lists the servers with the use of their cache, then their clients. NAME is the name with \
      which the client authenticated over TLS. READ and WRITTEN count content of the disk only, \
      without the overhead of the protocol. A request longer than 1MiB counts as several. MEAN \
      and P99 are the mean and the 99th percentile of the time the server took to prepare a \
      reply, over all requests since the client connected.

        varve clients
        varve clients --json | jq '[.[].clients[].readBytes] | add'

      The servers report this on sockets that only this user can reach: in /run/varve for root, in \
      $XDG_RUNTIME_DIR/varve for others, or in the directory given by $VARVE_RUNTIME.
      """)

  @OptionGroup var json: JSONOption

  mutating func run() throws {
    let outcome = ClientListRequest(sockets: try RuntimeDirectory()?.sockets() ?? []).run()
    for (process, error) in outcome.silent {
      Console.shared.message(
        "the server with process ID \(process) does not respond: \(error.reason)")
    }
    try report(outcome)
    if !outcome.silent.isEmpty { throw ReportedFailure() }
  }

  private func report(_ outcome: ClientListOutcome) throws {
    let servers = outcome.servers
    let output = StandardOutput()
    if json.isWanted { try output.document(outcome.json) }
    guard !servers.isEmpty else {
      return Console.shared.message("no server of this user is running")
    }
    guard !json.isWanted else { return }
    try output.table(table(of: servers))
    let clients = servers.flatMap { server in
      (server["clients"]?.elements ?? []).map { (server: server, client: $0) }
    }
    guard !clients.isEmpty else { return }
    try output.line("")
    try output.table(table(of: clients))
  }

  private func table(of servers: [JSON]) -> Table {
    var table = Table([
      .right("SERVER"), .left("SINCE"), .text("REPOSITORY"), .text("LISTENS ON"), .left("TLS"),
      .right("CLIENTS"), .right("CACHED"), .right("HITS"), .right("MISSES"),
    ])
    for server in servers {
      let addresses = (server["addresses"]?.elements ?? []).compactMap(\.string)
      table.add([
        Cell(server.text("process")), Cell(server.time("since")), Cell(server.text("repository")),
        Cell(addresses.joined(separator: " ")), Cell(server.text("tls")),
        Cell("\(server["clients"]?.elements.count ?? 0)"),
        Cell(server["cache"]?.bytes("usedBytes") ?? ""), Cell(server["cache"]?.text("hits") ?? ""),
        Cell(server["cache"]?.text("misses") ?? ""),
      ])
    }
    return table
  }

  /// What a hundred columns hold; the rest is in the JSON.
  private func table(of clients: [(server: JSON, client: JSON)]) -> Table {
    var table = Table([
      .right("SERVER"), .text("CLIENT"), .text("NAME"), .text("EXPORT"), .right("READ"),
      .right("WRITTEN"), .right("REQUESTS"), .right("MEAN"), .right("P99"),
    ])
    for (server, client) in clients {
      let latency = client["latency"]
      table.add([
        Cell(server.text("process")), Cell(client.text("address")), Cell(client.text("name")),
        Cell(SelectedVolume.shortened(client.text("export"))),
        Cell(client.bytes("readBytes")), Cell(client.bytes("writtenBytes")),
        Cell(client.text("requests")),
        Cell(latency?.latency("meanSeconds") ?? ""), Cell(latency?.latency("p99Seconds") ?? ""),
      ])
    }
    return table
  }
}

extension JSON {
  /// What a cell shows of a member: nothing where there is none.
  fileprivate func text(_ key: String) -> String {
    self[key]?.string ?? self[key]?.count.map(String.init) ?? ""
  }

  fileprivate func bytes(_ key: String) -> String {
    self[key]?.count.map(Quantities.bytes) ?? ""
  }

  fileprivate func latency(_ key: String) -> String {
    self[key]?.double.map(Quantities.latency(seconds:)) ?? ""
  }

  /// A timestamp on the clock of this machine.
  fileprivate func time(_ key: String) -> String {
    let moment = self[key]?.string.flatMap(TimeExpression.init)?.lastMoment(in: .system)
    return moment.map(TimeZone.shown.text(of:)) ?? ""
  }
}
