package import ChunkStore
import ChunkFormat
import FileIO
package import SystemPackage

/// A pin that could not be released when its overlay was removed.
package struct LeftPin: Sendable {
  package let name: PinName
  /// The reason for that.
  package let reason: String
}

/// The state of the object for which a pin keeps its revision.
package enum PinOwnerState: Sendable {
  case inUse
  case present
  /// The object is gone, so nothing needs the pin any more.
  case gone
  /// This process cannot find out. The text says why.
  case unknown(String)
}

extension OverlayStore {
  // MARK: - Pinning

  /// Pins the overlay's revision, unless the right pin exists already. The caller holds the
  /// overlay's lock.
  func ensurePinned(
    _ description: inout OverlayDescription, of name: String, in files: OverlayFiles
  ) throws(OverlayError) -> PinOutcome {
    if let pin = description.pin {
      if isUpToDate(pin, description, of: name) { return .pinned }
      return try self.pin(description, of: name, as: pin)
    }
    // This overlay is from before pins existed. The overlay first records the name of its future
    // pin, so there is never a pin without an overlay.
    let pin = try reportingStoreErrors { () throws(StoreError) in try PinName.random() }
    description.pin = pin
    try files.write(description)
    return try self.pin(description, of: name, as: pin)
  }

  /// Whether the pin exists and has the current locations of the overlay and the repository.
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
    // The overlay's directory may not have its final name yet.
    let directory = FilePath(platformBytes: root.canonicalBytes).appending(name)
    return repository.newPin(
      of: description.revision, job: description.job, for: "overlay \(name)", at: directory,
      context: context)
  }

  /// Releases the pin of a removed overlay. Returns the pin if this fails.
  func release(_ name: PinName) -> LeftPin? {
    do throws(StoreError) {
      _ = try repository.releasePin(name)
      return nil
    } catch {
      return LeftPin(name: name, reason: "\(error)")
    }
  }

  // MARK: - Owners of pins

  /// Returns the state of the overlay that a pin is for. Searches the overlays of this directory,
  /// and the path in the pin.
  package func ownerState(of stored: StoredPin) throws(OverlayError) -> PinOwnerState {
    for listing in try list() where (try? listing.description.get())?.pin == stored.name {
      return listing.isInUse ? .inUse : .present
    }
    let pin = stored.pin
    guard repository.origin(of: pin, context: context) != .otherMachine else {
      return .unknown("it is on \(pin.host)")
    }
    // The overlay may be in another directory than the overlays of this store.
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
  /// Creates a path from its bytes.
  ///
  /// - Parameter bytes: a path without a zero byte at its end.
  package init(platformBytes bytes: [UInt8]) {
    self.init(platformString: bytes.map(CInterop.PlatformChar.init(bitPattern:)) + [0])
  }
}
