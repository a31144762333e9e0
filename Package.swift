// swift-tools-version: 6.2

import PackageDescription

// Integration/test makes warnings errors; a newer compiler's new warnings stop nobody else's build.
let warnings: [SwiftSetting] =
  Context.environment["VARVE_WARNINGS"] == "error" ? [.treatAllWarnings(as: .error)] : []

let strict: [SwiftSetting] =
  warnings + [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ]

/// A library of the house: `Sources/NAME`, documented in `Sources/NAME/NAME.docc` where it has pages.
func library(_ name: String, uses dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// The tests of one target: `Tests/NAMETests`.
func tests(of name: String, uses dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests",
    dependencies: [.target(name: name), "TestSupport"] + dependencies,
    swiftSettings: strict)
}

/// A C library of the system, found by pkg-config and installed from Debian's -dev package.
func systemLibrary(_ name: String, pkgConfig: String? = nil, package: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

// Package.resolved is not committed, so every version stands here.
let dependencies: [Package.Dependency] = [
  .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
  .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
  .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
  .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
  .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
  .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
  .package(url: "https://github.com/swiftlang/swift-docc-plugin", exact: "1.5.0"),
]

/// What Integration/fuzz builds; it needs a runtime of its own, so nothing else does.
let fuzzTargets: [Target] =
  Context.environment["VARVE_FUZZ"] == nil
  ? []
  : [
    .executableTarget(
      name: "FuzzNBDProtocol", dependencies: ["NBDProtocol", nioCore],
      path: "Integration/fuzzing/NBDProtocol", swiftSettings: strict)
  ]

// A target uses only targets above it.
let targets: [Target] = [
  systemLibrary("CZstd", pkgConfig: "libzstd", package: "libzstd-dev"),
  systemLibrary("CCrypto", pkgConfig: "libcrypto", package: "libssl-dev"),
  systemLibrary("CLMDB", pkgConfig: "lmdb", package: "liblmdb-dev"),
  systemLibrary("CXXHash", pkgConfig: "libxxhash", package: "libxxhash-dev"),
  systemLibrary("CNBD", pkgConfig: "libnbd", package: "libnbd-dev"),
  systemLibrary("CLinux", package: "libc6-dev"),

  library("Remedies"),
  library("CalendarTime", uses: [systemPackage]),
  library("Workers", uses: ["CalendarTime", "CLinux", deque]),
  library("JSONText"),
  library("FileIO", uses: ["Workers", "CLinux", systemPackage]),
  library("ChildProcesses", uses: ["Workers", "FileIO", "CLinux", systemPackage]),
  library("ChunkFormat", uses: ["CalendarTime", "CZstd", "CCrypto", "CXXHash"]),
  library("ObjectStorage"),
  library("LocalObjects", uses: ["FileIO", "ObjectStorage", "CXXHash", systemPackage]),
  library(
    "ChunkStore",
    uses: [
      "Remedies", "Workers", "CalendarTime", "FileIO", "ChunkFormat", "ObjectStorage", "CLMDB",
      "CLinux", systemPackage, heap,
    ]),
  library("Retention", uses: ["CalendarTime", "ChunkFormat", "ChunkStore"]),
  library("VolumeMap", uses: ["Remedies", "ChunkFormat"]),
  library("VolumeSources", uses: ["FileIO", "CNBD", systemPackage]),
  library("VolumeTargets", uses: ["Remedies", "FileIO", "VolumeSources", systemPackage]),
  library(
    "VolumeReader",
    uses: ["Remedies", "Workers", "ChunkFormat", "ChunkStore", "VolumeMap", nioCore, deque]),
  library(
    "BackupEngine",
    uses: [
      "Remedies", "Workers", "CalendarTime", "ChunkFormat", "ChunkStore", "VolumeMap",
      "VolumeSources", "VolumeTargets", "VolumeReader",
    ]),
  library(
    "GarbageCollection",
    uses: [
      "Remedies", "Workers", "CalendarTime", "FileIO", "ChunkFormat", "ObjectStorage",
      "ChunkStore", "VolumeMap", "VolumeReader",
    ]),
  library(
    "Inspection",
    uses: [
      "Remedies", "Workers", "ChunkFormat", "ObjectStorage", "ChunkStore", "VolumeMap",
      "VolumeReader", "BackupEngine", "GarbageCollection",
    ]),
  library(
    "Overlays",
    uses: [
      "Remedies", "Workers", "CalendarTime", "FileIO", "ChunkFormat", "ChunkStore",
      "VolumeMap", "VolumeSources", "VolumeReader", "BackupEngine", nioCore, systemPackage,
    ]),
  library("NBDProtocol", uses: [nioCore]),
  library(
    "NBDServer",
    uses: [
      "Remedies", "CLinux", "CCrypto", "VolumeMap", "VolumeReader", "NBDProtocol", nioCore,
      nioPosix, nioSSL, nioTLS, logging, deque,
    ]),
  library(
    "Exports",
    uses: [
      "Workers", "CalendarTime", "ChunkFormat", "ChunkStore", "VolumeMap", "VolumeReader",
      "Overlays", "NBDProtocol", "NBDServer",
    ]),
  library(
    "LocalDevices",
    uses: ["FileIO", "ChildProcesses", "ChunkFormat", "CLinux", systemPackage]),
  library(
    "Administration",
    uses: [
      "Remedies", "Workers", "CalendarTime", "JSONText", "FileIO", "ChildProcesses", "ChunkFormat",
      "ChunkStore", "Retention", "VolumeTargets", "VolumeReader", "BackupEngine",
      "GarbageCollection", "Inspection", "Overlays", "NBDProtocol", "NBDServer", "Exports",
      "LocalDevices", nioCore, systemPackage,
    ]),
  .executableTarget(
    name: "varve",
    dependencies: [
      "LocalDevices", "Administration", "Remedies", "Workers", "CalendarTime", "JSONText", "FileIO",
      "ChildProcesses", "ChunkFormat", "LocalObjects", "ChunkStore", "Retention",
      "VolumeSources", "VolumeTargets", "VolumeReader", "BackupEngine", "GarbageCollection",
      "Inspection",
      "Overlays", "NBDProtocol", "NBDServer", "CLinux", argumentParser, logging,
      systemPackage,
    ],
    swiftSettings: strict),

  .target(
    name: "TestSupport",
    dependencies: [
      "Workers", "CalendarTime", "FileIO", "ObjectStorage", "LocalObjects", systemPackage,
    ],
    path: "Tests/TestSupport",
    swiftSettings: strict),
  .target(
    name: "StoreTestSupport",
    dependencies: [
      "Workers", "FileIO", "ChunkFormat", "LocalObjects", "ChunkStore", "VolumeMap",
      "TestSupport", systemPackage,
    ],
    path: "Tests/StoreTestSupport", swiftSettings: strict),
  .target(
    name: "EngineTestSupport",
    dependencies: [
      "Workers", "FileIO", "ChunkFormat", "LocalObjects", "ChunkStore", "VolumeSources",
      "BackupEngine", "TestSupport", systemPackage,
    ],
    path: "Tests/EngineTestSupport", swiftSettings: strict),
  .target(
    name: "NBDTestSupport",
    dependencies: [
      "VolumeMap", "VolumeReader", "NBDProtocol", "NBDServer", "TestSupport", nioCore, logging,
    ],
    path: "Tests/NBDTestSupport", swiftSettings: strict),
  tests(of: "Remedies"),
  tests(of: "Workers"),
  tests(of: "CalendarTime", uses: [systemPackage]),
  tests(of: "JSONText"),
  tests(of: "FileIO", uses: ["Workers", systemPackage]),
  tests(of: "ChildProcesses", uses: ["Workers", "FileIO", systemPackage]),
  tests(of: "ChunkFormat", uses: ["CalendarTime", "FileIO", systemPackage]),
  tests(of: "ObjectStorage", uses: ["LocalObjects", systemPackage]),
  tests(of: "LocalObjects", uses: ["FileIO", "ObjectStorage", systemPackage]),
  tests(
    of: "ChunkStore",
    uses: [
      "StoreTestSupport", "Remedies", "Workers", "CalendarTime", "ChunkFormat", "FileIO",
      "LocalObjects", systemPackage,
    ]),
  tests(of: "Retention", uses: ["CalendarTime", "ChunkFormat", "ChunkStore"]),
  tests(of: "VolumeMap", uses: ["ChunkFormat"]),
  tests(of: "VolumeSources", uses: ["FileIO", "Workers", systemPackage]),
  tests(of: "VolumeTargets", uses: ["Remedies", "FileIO", systemPackage]),
  tests(
    of: "VolumeReader",
    uses: [
      "StoreTestSupport", "Workers", "ChunkFormat", "LocalObjects", "ChunkStore", "VolumeMap",
      "FileIO", nioCore, systemPackage,
    ]),
  tests(
    of: "BackupEngine",
    uses: [
      "EngineTestSupport", "Workers", "CalendarTime", "ChunkFormat", "LocalObjects", "ChunkStore",
      "VolumeMap", "VolumeReader", "VolumeSources", "VolumeTargets", "FileIO", systemPackage,
    ]),
  tests(
    of: "GarbageCollection",
    uses: [
      "StoreTestSupport", "EngineTestSupport", "Remedies", "Workers", "CalendarTime",
      "ChunkFormat", "ChunkStore", "VolumeMap", "VolumeReader", "VolumeSources", "BackupEngine",
      "FileIO", "LocalObjects", "Retention", systemPackage,
    ]),
  tests(
    of: "Inspection",
    uses: [
      "EngineTestSupport", "Workers", "ChunkFormat", "LocalObjects", "ChunkStore", "BackupEngine",
      "GarbageCollection", "FileIO", systemPackage,
    ]),
  tests(
    of: "Overlays",
    uses: [
      "EngineTestSupport", "Remedies", "Workers", "ChunkFormat", "LocalObjects", "ChunkStore",
      "VolumeMap", "VolumeReader", "VolumeSources", "BackupEngine", "FileIO", systemPackage,
      nioCore,
    ]),
  tests(of: "NBDProtocol", uses: [nioCore]),
  tests(
    of: "NBDServer",
    uses: [
      "NBDTestSupport", "FileIO", "VolumeMap", "VolumeReader", "NBDProtocol", "CNBD", nioCore,
      nioEmbedded, logging, systemPackage,
    ]),
  tests(
    of: "Exports",
    uses: [
      "StoreTestSupport", "NBDTestSupport", "CalendarTime", "ChunkFormat", "LocalObjects",
      "ChunkStore", "FileIO", "VolumeMap", "VolumeReader", "Overlays", "NBDProtocol", "NBDServer",
      nioCore, systemPackage,
    ]),
  tests(of: "LocalDevices"),
  tests(
    of: "Administration",
    uses: [
      "EngineTestSupport", "Remedies", "Workers", "CalendarTime", "JSONText", "FileIO",
      "ChildProcesses", "ChunkFormat", "ChunkStore", "VolumeSources", "VolumeTargets",
      "VolumeReader", "BackupEngine",
      "GarbageCollection", "Inspection", "Overlays", "NBDTestSupport", "NBDProtocol", "NBDServer",
      "LocalDevices", systemPackage,
    ]),
  tests(
    of: "varve",
    uses: [
      "LocalDevices", "Administration", "Remedies",
      "Workers", "JSONText", "ChildProcesses", "ChunkFormat", "ChunkStore", "FileIO",
      "BackupEngine", "NBDProtocol", "NBDServer", argumentParser, systemPackage,
    ]),
]

extension [Target] {
  /// Those that the tests of one target take, with themselves: all that Integration/simulate builds.
  func needed(forTestsOf name: String) -> [Target] {
    var (names, waiting): (Set<String>, [String]) = ([], ["\(name)Tests"])
    while let name = waiting.popLast() {
      guard names.insert(name).inserted else { continue }
      for dependency in first(where: { $0.name == name })?.dependencies ?? [] {
        switch dependency {
        case .targetItem(let name, _), .byNameItem(let name, _): waiting.append(name)
        default: continue
        }
      }
    }
    return filter { names.contains($0.name) }
  }
}

let only = Context.environment["VARVE_TESTS_OF"].map(targets.needed)

let package = Package(
  name: "varve",
  products: only == nil ? [.executable(name: "varve", targets: ["varve"])] : [],
  dependencies: dependencies,
  targets: only ?? targets + fuzzTargets,
  swiftLanguageModes: [.v6])
