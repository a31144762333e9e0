import ObjectStorage

/// What goes wrong with one client, besides lost requests and answers: it sleeps once, one of its requests is late,
/// it dies. Each strikes at a request of a number, or of a kind: chance alone seldom meets those that others
/// depend on.
struct Mishaps {
  private enum Moment {
    case never
    case request(Int)
    case kind(ObjectArea, isPut: Bool, Int)
  }

  private var sleep = Moment.never
  private var late = Moment.never
  private var death = Moment.never
  private var ticks = 0
  /// It sleeps after it has decided on a request and before it sends it, or before it looks at the answer.
  private var sleepsBefore = false
  private var asked = 0
  private(set) var restBefore = 0
  private(set) var restAfter = 0
  private(set) var isLate = false
  private(set) var isDeath = false

  /// None.
  init() {}

  init(in world: SessionSimulation) {
    sleep = Self.moment(in: world)
    late = world.flip(30) ? Self.kind(in: world) : .never
    death = world.flip(15) ? .request(world.number(0...30)) : .never
    ticks =
      [world.number(5...60), world.number(60...200), world.number(200...500)][world.number(0...2)]
    sleepsBefore = world.flip(50)
  }

  private static func moment(in world: SessionSimulation) -> Moment {
    switch world.number(0...9) {
    case 0...2: .never
    case 3...4: .request(world.number(0...30))
    default: kind(in: world)
    }
  }

  private static let areas: [ObjectArea] = [
    .sessions, .staged, .revisions, .forgotten, .condemned, .dataPacks,
  ]

  private static func kind(in world: SessionSimulation) -> Moment {
    .kind(
      areas[world.number(0...5)], isPut: world.flip(60), world.number(1...2))
  }

  mutating func count(_ request: StoreRequest) {
    asked += 1
    let isSleep = Self.strikes(&sleep, request, asked)
    restBefore = isSleep && sleepsBefore ? ticks : 0
    restAfter = isSleep && !sleepsBefore ? ticks : 0
    isLate = Self.strikes(&late, request, asked)
    isDeath = Self.strikes(&death, request, asked)
  }

  private static func strikes(
    _ moment: inout Moment, _ request: StoreRequest, _ asked: Int
  ) -> Bool {
    switch (moment, request.action) {
    case (.request(let number), _): return asked == number
    case (.kind(let area, let isPut, let rest), .put(let key, _, _))
    where isPut && key.area == area,
      (.kind(let area, let isPut, let rest), .remove(let key)) where !isPut && key.area == area:
      moment = rest == 1 ? .never : .kind(area, isPut: isPut, rest - 1)
      return rest == 1
    default: return false
    }
  }
}
