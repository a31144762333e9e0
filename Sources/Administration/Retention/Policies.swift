package import ChunkFormat
package import ChunkStore
package import JSONText

/// Stores the policy of a job, or the default.
package struct PolicyStoringRequest: Sendable {
  /// Nil for the default.
  package let job: String?
  package let policy: RetentionPolicy

  package init(_ policy: RetentionPolicy, for job: String?) {
    (self.policy, self.job) = (policy, job)
  }

  /// The policy replaces the one that there was. The job need not have revisions yet.
  ///
  /// - Throws: `StoreError`.
  package func run(on repository: Repository) throws -> PolicyOutcome {
    var replaced: StoreError?
    try repository.updateRetentionPolicies(replacing: { replaced = $0 }, { $0[job] = policy })
    let stored = StoredPolicy(job: job, policy: policy, isDefault: job == nil)
    return PolicyOutcome(policy: stored, replaced: replaced, of: repository)
  }
}

/// A policy that is stored, and what may be wrong with it.
package struct PolicyOutcome: Sendable {
  package let policy: StoredPolicy
  /// Why all policies that there were had to give way: they could not be read.
  package let replaced: StoreError?
  /// A failure to find out changes nothing about the policy.
  package let doubts: Result<PolicyDoubts, any Error>

  fileprivate init(policy: StoredPolicy, replaced: StoreError?, of repository: Repository) {
    self.policy = policy
    self.replaced = replaced
    doubts = Result { PolicyDoubts(about: policy, in: try repository.revisions()) }
  }

  /// The document `policy`.
  ///
  /// - Parameter options: what the front end calls the rules.
  package func json(options: (RetentionPolicy) -> String) -> JSON {
    policy.json(options: options)
  }
}

/// Names in a policy that may be mistyped.
package struct PolicyDoubts: Sendable {
  /// Why there is no such job; nil where there is.
  package let unknownJob: ReferenceError?
  /// Tags that rules name and no revision has, in their order.
  package let unknownTags: [String]
  package let notices: [Notice]

  fileprivate init(about policy: StoredPolicy, in listing: RevisionListing) {
    let known = Set(listing.entries.flatMap(\.marks.tags))
    unknownJob = policy.job.flatMap { listing.miss(of: $0) }
    unknownTags = Set(policy.policy.rules.compactMap(\.tag)).subtracting(known).sorted()
    notices = listing.notices
  }
}

/// Shows all policies.
package struct PolicyListRequest: Sendable {
  package init() {}

  /// The default first, then those of jobs by their names.
  ///
  /// - Throws: `StoreError`.
  package func run(on repository: Repository) throws -> PolicyListOutcome {
    let policies = try repository.retentionPolicies()
    let standard = policies.standard.map { StoredPolicy(job: nil, policy: $0, isDefault: true) }
    let own = policies.jobs.sorted { $0.key < $1.key }.map {
      StoredPolicy(job: $0.key, policy: $0.value, isDefault: false)
    }
    return PolicyListOutcome(policies: (standard.map { [$0] } ?? []) + own)
  }
}

package struct PolicyListOutcome: Sendable {
  package let policies: [StoredPolicy]

  /// The document `policies`.
  ///
  /// - Parameter options: what the front end calls the rules.
  package func json(options: (RetentionPolicy) -> String) -> JSON {
    .array(policies.map { $0.json(options: options) })
  }
}

/// Shows the policy that applies to a job: its own, else the default.
package struct PolicyRequest: Sendable {
  package let job: String

  package init(job: String) { self.job = job }

  /// - Throws: ``Refusal/OfPolicy/none(job:)``, `StoreError`.
  package func run(on repository: Repository) throws -> PolicyOutcome {
    let policies = try repository.retentionPolicies()
    guard let policy = policies[job] ?? policies.standard else {
      throw Refusal.policy(.none(job: job))
    }
    let stored = StoredPolicy(job: job, policy: policy, isDefault: policies[job] == nil)
    return PolicyOutcome(policy: stored, replaced: nil, of: repository)
  }
}

/// Removes the policy of a job, or the default.
package struct PolicyRemovalRequest: Sendable {
  /// Nil for the default.
  package let job: String?

  package init(job: String?) { self.job = job }

  /// - Throws: ``Refusal/OfPolicy/notStored(job:)``, `StoreError`.
  package func run(on repository: Repository) throws -> StoredPolicy {
    var removed: RetentionPolicy?
    try repository.updateRetentionPolicies { policies in
      removed = policies[job]
      policies[job] = nil
    }
    guard let removed else { throw Refusal.policy(.notStored(job: job)) }
    return StoredPolicy(job: job, policy: removed, isDefault: job == nil)
  }
}

/// A policy and what it is for.
package struct StoredPolicy: Sendable {
  /// Nil for the default.
  package let job: String?
  package let policy: RetentionPolicy
  /// Whether it is the default, also where it applies to a job.
  package let isDefault: Bool

  /// The document `policy`.
  ///
  /// - Parameter options: what the front end calls the rules.
  package func json(options: (RetentionPolicy) -> String) -> JSON {
    .object([
      "job": .optional(job), "isDefault": .bool(isDefault), "policy": policy.json,
      "options": .string(options(policy)),
    ])
  }
}

extension RevisionListing {
  /// Why there is no such job; nil where there is.
  fileprivate func miss(of job: String) -> ReferenceError? {
    do throws(ReferenceError) {
      _ = try history(of: job)
      return nil
    } catch {
      return error
    }
  }
}
