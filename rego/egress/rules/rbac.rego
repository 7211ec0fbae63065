# METADATA
# title: Grants
# description: A role's grant permits the categories it names, where everything it states holds.
package egress.rules.rbac

import rego.v2

import data.egress.rules.conditions
import data.egress.rules.relationships

# METADATA
# title: Which profiles each grant permits
# description: >-
#   The host proposes candidates (matches); nothing it leaves out can be permitted, nothing it adds is believed.
permits[grant.id] contains index if {
	some index, candidates in input.matches
	some candidate in candidates
	_applies[candidate]
	grant := input.grants[candidate]
	profile := input.profiles[index]
	_covered(profile, grant.categories)
	not _covered(profile, grant.except)
}

_applies contains candidate if {
	some candidate, grant in input.grants
	grant.role in input.identity.roles
	_names_vendor(grant.vendors)
	_named(grant.environments, input.environment.id)
	_named(grant.channels, input.channel)
	_named(grant.kinds, input.event.kind)
	some purpose in grant.purposes
	input.purpose.ancestors[purpose]
	not _closed_to(grant)
	not conditions.unmet[grant.id]
	not relationships.unmet[grant.id]
}

# An exclusive grant closes its vendor, also before it starts and after it expires: only exclusive grants permit there.
_closed_to(grant) if {
	count(input.exclusives) > 0
	not grant.exclusive
}

_named(names, name) if name in names

_named(names, _) if "*" in names

# Of categories that not every source confirms a grant knows nothing.
_names_vendor(selectors) if {
	some selector in selectors
	object.get(selector, "vendor", input.vendor.id) == input.vendor.id
	object.get(selector, "party", input.vendor.party) == input.vendor.party
	every category in object.get(selector, "categories", []) {
		category in object.get(input.vendor, "confirmed", input.vendor.categories)
	}
}

_covered(profile, selectors) if profile.category in selectors.exact

_covered(profile, selectors) if {
	some category in selectors.below
	profile.ancestors[category]
}
