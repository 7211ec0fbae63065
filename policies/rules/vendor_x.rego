# METADATA
# title: Vendor X
# description: What may go to Vendor X, whoever grants it.
package egress.rules.own.vendor_x

import rego.v2

# METADATA
# title: Only analytics pipeline SA may send anonymized usage events to Vendor X, only from production
# custom:
#   code: not_deidentified
#   message: "{fields} identifies a person; Vendor X may get anonymized events only."
#   fix: "Drop {fields}."
rulings["anonymized-only"] contains index if {
	input.vendor.id == "vendor-x"
	some index, profile in input.profiles
	profile.known
	not profile.identifiability in {"none", "quasi"}
}
