package import ChunkStore
import ChunkFormat
import FileIO
package import SystemPackage

/// A pin that its overlay has left behind.
package struct LeftPin: Sendable {
  package let name: PinName
  /// Why it could not be released.
  package let reason: String
}

/// What became of whatever a pin keeps its revision for.
package enum PinOwnerState: Sendable {
  case inUse
  case present
  /// Nothing needs the pin any more.
  case gone
  /// Nobody here can look; why, in words.
  case unknown(String)
}

extension OverlayStore {
  // MARK: - Pinning

  /// Pins the overlay's revision, unless it is pinned as it has to be. The overlay's lock is held.
  func ensurePinned(
    _ description: inout OverlayDescription, of name: String, in files: OverlayFiles
  ) throws(OverlayError) -> PinOutcome {
    if let pin = description.pin {
      if isUpToDate(pin, description, of: name) { return .pinned }
      return try self.pin(description, of: name, as: pin)
    }
    // Made before there were pins. Its own name for the pin first: no pin is without an overlay then.
    let pin = try reportingStoreErrors { () throws(StoreError) in try PinName.random() }
    description.pin = pin
    try files.write(description)
    return try self.pin(description, of: name, as: pin)
  }

  /// Whether the pin is there and tells where the overlay and the repository are now.
  private func isUpToDate(
    _ name: PinName, _ description: OverlayDescription, of overlay: String
  ) -> Bool {
    guard let pin = try? repository.pin(name).pin else { return false }
    var wanted = newPin(description, of: overlay)
    wanted.created = pin.created
    return pin == wanted
  }

  func pin(
    _ description: OverlayDescription, of name: String, as pin: PinName
  ) throws(OverlayError) -> PinOutcome {
    do throws(StoreError) {
      return try repository.pin(newPin(description, of: name), as: pin)
    } catch {
      throw error.code == .notFound
        ? NamedOverlay.revisionGone(name, description) : OverlayError(.fileSystem, cause: error)
    }
  }

  private func newPin(_ description: OverlayDescription, of name: String) -> Pin {
    // The overlay itself may not have its name yet.
    let directory = FilePath(platformBytes: root.canonicalBytes).appending(name)
    return repository.newPin(
      of: description.revision, job: description.job, for: "overlay \(name)", at: directory,
      context: context)
  }

  /// Releases a pin whose overlay is gone; returns it where that fails.
  func release(_ name: PinName) -> LeftPin? {
    do throws(StoreError) {
      _ = try repository.releasePin(name)
      return nil
    } catch {
      return LeftPin(name: name, reason: "\(error)")
    }
  }

  // MARK: - Whose pin it is

  /// What became of the overlay that a pin is for. Looks among the overlays of this directory, and where
  /// the pin says.
  package func ownerState(of stored: StoredPin) throws(OverlayError) -> PinOwnerState {
    for listing in try list() where (try? listing.description.get())?.pin == stored.name {
      return listing.isInUse ? .inUse : .present
    }
    let pin = stored.pin
    guard repository.origin(of: pin, context: context) != .otherMachine else {
      return .unknown("it lies on \(pin.host)")
    }
    // It may lie in another directory than the overlays of this store.
    let directory = FilePath(platformBytes: pin.ownerPath)
    let elsewhere = wholeFileSystem.confined(to: directory, newFiles: .user)
    let files = OverlayFiles(directory: directory, fileSystem: elsewhere)
    do throws(FileError) {
      guard try elsewhere.exists(files.directory) else { return .gone }
    } catch {
      return error.code == .notDirectory ? .gone : .unknown("\(error)")
    }
    do throws(OverlayError) {
      return try files.description().pin == stored.name ? .present : .gone
    } catch {
      return .unknown("\(error)")
    }
  }
}

extension FilePath {
  /// - Parameter bytes: a path without a 0 at its end.
  package init(platformBytes bytes: [UInt8]) {
    self.init(platformString: bytes.map(CInterop.PlatformChar.init(bitPattern:)) + [0])
  }
}
