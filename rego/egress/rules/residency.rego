# METADATA
# title: Residency
# description: Personal data of people in the EU leaves it only on a valid transfer basis, down the whole chain.
package egress.rules.residency

import rego.v2

# METADATA
# title: Personal data of people in the EU needs a transfer basis
# custom:
#   code: transfer_basis_missing
#   message: Personal data of people in the EU would leave it without a valid transfer basis.
#   fix: Write a valid claims.transfer_basis in vendors.yaml, or choose a vendor that processes in the EU alone.
#   judges: result
rulings["transfer-basis-missing"] contains index if {
	_leaves_eu
	not input.vendor.claims.transfer_basis.state == "valid"
	some index, profile in input.profiles
	_personal[index]
}

# METADATA
# title: The transfer basis covers every sub-processor outside the EU
# custom:
#   code: residency
#   message: "A sub-processor outside the EU is not covered by the transfer basis: {path}."
#   fix: >-
#     Have the basis extended and write covers_subprocessors in claims.transfer_basis in vendors.yaml, or have the
#     sub-processor switched off and write on: false at its edge there.
#   judges: result
rulings["sub-processor-residency"] contains index if {
	_leaves_eu
	input.vendor.claims.transfer_basis.state == "valid"
	not input.vendor.claims.transfer_basis.value.covers_subprocessors == true
	not input.vendor.reaches.inEu
	some index, profile in input.profiles
	_personal[index]
}

_leaves_eu if {
	not input.vendor.party == "first"
	not input.dataSubject.elsewhere
	not _stays_in_eu
}

_stays_in_eu if {
	input.vendor.inEu
	input.vendor.reaches.inEu
}

_personal contains index if {
	some index, profile in input.profiles
	profile.known
	not profile.personal == false
}
