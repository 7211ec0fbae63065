# METADATA
# title: Vendor assurance
# description: >-
#   What a third party must have stated, with evidence that has not expired. What it did not state counts as the worst.
package egress.rules.vendor_assurance

import rego.v2

_sensitive contains index if {
	not input.vendor.party == "first"
	some index, profile in input.profiles
	profile.known
	not profile.sensitivity in {"public", "internal"}
}

_learnable contains index if {
	not input.vendor.party == "first"
	some index, profile in input.profiles
	some category in ["system.ai", "user.content"]
	profile.ancestors[category]
}

# Rego orders any two values, and a boolean comes before every number.
_at_most(value, limit) if {
	is_number(value)
	value <= limit
}

# METADATA
# title: Sensitive data needs a signed data processing agreement
# custom:
#   code: claim_missing
#   message: The vendor has not stated a signed data processing agreement.
#   fix: Have one signed and write claims.dpa with its evidence in vendors.yaml, or drop the sensitive fields.
#   judges: result
rulings["dpa-missing"] contains index if {
	not input.vendor.claims.dpa.state in {"valid", "expired"}
	some index in _sensitive
}

# METADATA
# title: Sensitive data needs a signed data processing agreement
# custom:
#   code: claim_expired
#   message: The vendor's statement of a signed data processing agreement has expired.
#   fix: Have one signed and write claims.dpa with its evidence in vendors.yaml, or drop the sensitive fields.
#   judges: result
rulings["dpa-expired"] contains index if {
	input.vendor.claims.dpa.state == "expired"
	some index in _sensitive
}

# METADATA
# title: Sensitive data needs a signed data processing agreement
# custom:
#   code: claim_insufficient
#   message: The vendor has not signed a data processing agreement.
#   fix: Have one signed and write claims.dpa with its evidence in vendors.yaml, or drop the sensitive fields.
#   judges: result
rulings["dpa-insufficient"] contains index if {
	input.vendor.claims.dpa.state == "valid"
	not input.vendor.claims.dpa.value == true
	some index in _sensitive
}

# METADATA
# title: Sensitive data needs notice of a breach within 72 hours
# custom:
#   code: claim_missing
#   message: The vendor has not stated how fast it notifies of a breach.
#   fix: Agree on 72 hours at most and write claims.breach_notice_hours in vendors.yaml, or drop the sensitive fields.
#   judges: result
rulings["breach-notice-missing"] contains index if {
	not input.vendor.claims.breach_notice_hours.state in {"valid", "expired"}
	some index in _sensitive
}

# METADATA
# title: Sensitive data needs notice of a breach within 72 hours
# custom:
#   code: claim_expired
#   message: The vendor's statement of how fast it notifies of a breach has expired.
#   fix: Agree on 72 hours at most and write claims.breach_notice_hours in vendors.yaml, or drop the sensitive fields.
#   judges: result
rulings["breach-notice-expired"] contains index if {
	input.vendor.claims.breach_notice_hours.state == "expired"
	some index in _sensitive
}

# METADATA
# title: Sensitive data needs notice of a breach within 72 hours
# custom:
#   code: claim_insufficient
#   message: The vendor takes longer than 72 hours to notify of a breach.
#   fix: Agree on 72 hours at most and write claims.breach_notice_hours in vendors.yaml, or drop the sensitive fields.
#   judges: result
rulings["breach-notice-insufficient"] contains index if {
	input.vendor.claims.breach_notice_hours.state == "valid"
	not _at_most(input.vendor.claims.breach_notice_hours.value, 72)
	some index in _sensitive
}

# METADATA
# title: Sensitive data is kept for 90 days at most
# custom:
#   code: claim_missing
#   message: The vendor has not stated how long it keeps data.
#   fix: Agree on 90 days at most and write claims.retention_days in vendors.yaml, or drop the sensitive fields.
#   judges: result
rulings["retention-missing"] contains index if {
	not input.vendor.claims.retention_days.state in {"valid", "expired"}
	some index in _sensitive
}

# METADATA
# title: Sensitive data is kept for 90 days at most
# custom:
#   code: claim_expired
#   message: The vendor's statement of how long it keeps data has expired.
#   fix: Agree on 90 days at most and write claims.retention_days in vendors.yaml, or drop the sensitive fields.
#   judges: result
rulings["retention-expired"] contains index if {
	input.vendor.claims.retention_days.state == "expired"
	some index in _sensitive
}

# METADATA
# title: Sensitive data is kept for 90 days at most
# custom:
#   code: claim_insufficient
#   message: The vendor keeps data longer than 90 days.
#   fix: Agree on 90 days at most and write claims.retention_days in vendors.yaml, or drop the sensitive fields.
#   judges: result
rulings["retention-insufficient"] contains index if {
	input.vendor.claims.retention_days.state == "valid"
	not _at_most(input.vendor.claims.retention_days.value, 90)
	some index in _sensitive
}

# METADATA
# title: AI metadata and content go only to who does not train on it
# custom:
#   code: claim_missing
#   message: The vendor has not stated whether it trains models on the data.
#   fix: Have the vendor opt you out of training and write claims.trains_on_data in vendors.yaml, or drop the fields.
#   judges: result
rulings["trains-on-data-missing"] contains index if {
	not input.vendor.claims.trains_on_data.state in {"valid", "expired"}
	some index in _learnable
}

# METADATA
# title: AI metadata and content go only to who does not train on it
# custom:
#   code: claim_expired
#   message: The vendor's statement of whether it trains models on the data has expired.
#   fix: Have the vendor opt you out of training and write claims.trains_on_data in vendors.yaml, or drop the fields.
#   judges: result
rulings["trains-on-data-expired"] contains index if {
	input.vendor.claims.trains_on_data.state == "expired"
	some index in _learnable
}

# METADATA
# title: AI metadata and content go only to who does not train on it
# custom:
#   code: claim_insufficient
#   message: The vendor trains models on the data.
#   fix: Have the vendor opt you out of training and write claims.trains_on_data in vendors.yaml, or drop the fields.
#   judges: result
rulings["trains-on-data-insufficient"] contains index if {
	input.vendor.claims.trains_on_data.state == "valid"
	not input.vendor.claims.trains_on_data.value == false
	some index in _learnable
}
