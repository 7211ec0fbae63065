# METADATA
# title: Guardrails
# description: >-
#   What is never allowed, whoever grants it. Each rule is written as "not exempt", so that a missing fact exempts from
#   nothing; "*" hits every profile.
package egress.rules.guardrails

import rego.v2

# METADATA
# title: The identity must be known
# custom:
#   code: unknown_identity
#   message: Nobody knows the identity that asks to send.
#   fix: Register the identity in identities.yaml, or correct its name.
rulings["unknown-identity"] contains "*" if not input.identity.known

# METADATA
# title: The vendor must be known
# custom:
#   code: unknown_vendor
#   message: The receiver is not in the vendor catalogue.
#   fix: Add the vendor, or its host, to vendors.yaml after a review, or correct its name.
rulings["unknown-vendor"] contains "*" if not input.vendor.known

# METADATA
# title: The event must be registered
# custom:
#   code: unknown_event
#   message: The event is not registered.
#   fix: Register the event and its fields under events/, or correct its name.
rulings["unknown-event"] contains "*" if not input.event.known

# METADATA
# title: >-
#   Enforcement: local PDP decides every outbound event; new field is blocked or needs a policy update
# custom:
#   code: unknown_field
#   message: "Nobody has classified {fields}."
#   fix: "Drop {fields}, or add it with a category to the event's file under events/, or to fields.yaml."
rulings["unknown-field"] contains index if {
	input.event.known
	some index, profile in input.profiles
	not profile.known
}

# METADATA
# title: The environment must be known
# custom:
#   code: unknown_environment
#   message: The environment is not in the catalogue.
#   fix: Add the environment to environments.yaml, or correct its name.
rulings["unknown-environment"] contains "*" if not input.environment.known

# METADATA
# title: A purpose must be stated
# custom:
#   code: purpose_missing
#   message: No purpose was stated, and the event has no default.
#   fix: State the purpose of the transfer.
rulings["purpose-missing"] contains "*" if not input.purpose.stated

# METADATA
# title: The purpose must be known
# custom:
#   code: unknown_purpose
#   message: The purpose is not in the catalogue.
#   fix: Use one of the purposes in purposes.yaml.
rulings["unknown-purpose"] contains "*" if {
	input.purpose.stated
	not input.purpose.known
}

# METADATA
# title: The event must allow the purpose
# custom:
#   code: purpose_not_allowed
#   message: The event was not collected for this purpose.
#   fix: Use a purpose that the event lists, or have its owner add this one to purposes in its file under events/.
rulings["purpose-not-allowed"] contains "*" if {
	input.event.known
	input.purpose.known
	not input.purpose.allowed
}

# METADATA
# title: Nothing goes to a vendor that was breached
# custom:
#   code: vendor_suspended
#   message: The vendor was breached.
#   fix: Send nothing until the vendor gives new claims; write them with the day they were issued in vendors.yaml.
rulings["vendor-breached"] contains "*" if input.vendor.state == "breached"

# METADATA
# title: Nothing goes to a vendor whose contract was terminated
# custom:
#   code: vendor_suspended
#   message: The contract with the vendor was terminated.
#   fix: Choose another vendor.
rulings["vendor-terminated"] contains "*" if {
	not input.vendor.state in {"active", "under_review", "breached"}
}

# METADATA
# title: A vendor under review needs an approval for everything
# custom:
#   effect: require
#   review: privacy_officer
#   code: approval_required
#   message: The vendor is under review.
#   fix: Ask for an approval, or wait until the review has ended.
rulings["vendor-under-review"] contains "*" if input.vendor.state == "under_review"

# METADATA
# title: Data leaves over an encrypted connection only
# custom:
#   code: insecure_transport
#   message: The destination is not an https address.
#   fix: Send to the vendor's https endpoint.
rulings["insecure-transport"] contains "*" if {
	input.destination
	not input.destination.secure
}

# METADATA
# title: >-
#   GenAI controls: tenant ids, customer names, internal tool identifiers to any third party forbidden; allowed to
#   internal observability
# custom:
#   code: forbidden_category
#   message: Tenant identifiers may not leave for any third party.
#   fix: "Drop {fields}, or send to a first-party vendor."
rulings["tenant-ids-stay-home"] contains index if {
	not input.vendor.party == "first"
	some index, profile in input.profiles
	some category in ["system.tenant.org_id", "system.tenant.account_id", "system.tenant.name"]
	profile.ancestors[category]
}

# METADATA
# title: Project codes need a support purpose and a contract
# custom:
#   code: forbidden_category
#   message: Project codes may go to a third party only for support, under a valid data processing agreement.
#   fix: "Drop {fields}, or state a support purpose to a vendor with a valid claims.dpa in vendors.yaml."
rulings["project-codes-need-contract"] contains index if {
	not input.vendor.party == "first"
	some index, profile in input.profiles
	profile.ancestors["system.tenant.project_code"]
	not _contracted_support
}

_contracted_support if {
	input.purpose.ancestors["essential.service.operations.support"]
	input.vendor.claims.dpa.state == "valid"
}

# METADATA
# title: Credentials never leave
# custom:
#   code: forbidden_category
#   message: Credentials may not leave for any third party.
#   fix: "Drop {fields}."
rulings["credentials-never-leave"] contains index if {
	not input.vendor.party == "first"
	some index, profile in input.profiles
	profile.ancestors["user.authorization"]
}

# METADATA
# title: Regulated data stays with first parties; a third party gets only aggregates
# custom:
#   code: first_party_only
#   message: "{fields} is regulated and may leave only as an aggregate."
#   fix: "Drop {fields}, or send an aggregate, or use a first-party vendor."
#   judges: result
rulings["restricted-first-party-only"] contains index if {
	not input.vendor.party == "first"
	not input.event.kind == "aggregate"
	some index, profile in input.profiles
	profile.known
	not profile.sensitivity in {"public", "internal", "confidential"}
}
