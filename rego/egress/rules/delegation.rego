# METADATA
# title: Delegation and manifests
# description: Who acts for whom, and the least privilege that an integration declared for itself.
package egress.rules.delegation

import rego.v2

# METADATA
# title: Only a stored relation lets one identity act for another
# custom:
#   code: delegation_denied
#   message: The identity may not act on behalf of the other.
#   fix: >-
#     Store the acts_for relation in relations.yaml, and name the other in manifest.actsFor in identities.yaml where
#     that is stated, or ask without onBehalfOf.
rulings["acts-for-missing"] contains "*" if {
	input.delegation
	not input.delegation.actsFor
}

# METADATA
# title: An integration that always acts for somebody says for whom
# custom:
#   code: delegation_denied
#   message: The identity's manifest demands onBehalfOf.
#   fix: Say on whose behalf the identity sends.
rulings["on-behalf-of-required"] contains "*" if {
	input.identity.manifest.onBehalfOf == "required"
	not input.delegation
}

# METADATA
# title: An integration sends to the vendors of its manifest only
# custom:
#   code: identity_not_allowed
#   message: The identity's manifest does not name this vendor.
#   fix: Have the manifest's owner add the vendor to manifest.vendors in identities.yaml.
rulings["manifest-vendor"] contains "*" if {
	input.identity.manifest.vendors
	not input.vendor.id in input.identity.manifest.vendors
}

# METADATA
# title: An integration sends from the environments of its manifest only
# custom:
#   code: environment_not_allowed
#   message: The identity's manifest does not name this environment.
#   fix: Have the manifest's owner add the environment to manifest.environments in identities.yaml.
rulings["manifest-environment"] contains "*" if {
	input.identity.manifest.environments
	not input.environment.id in input.identity.manifest.environments
}

# METADATA
# title: An integration sends the categories of its manifest only
# custom:
#   code: category_not_granted
#   message: "The identity's manifest does not name the category of {fields}."
#   fix: "Drop {fields}, or have the manifest's owner add the category to manifest.categories in identities.yaml."
rulings["manifest-category"] contains index if {
	input.identity.manifest.categories
	some index, profile in input.profiles
	profile.known
	not profile.category in input.identity.manifest.categories.exact
	not _below(index)
}

_below(index) if {
	some category in input.identity.manifest.categories.below
	input.profiles[index].ancestors[category]
}
