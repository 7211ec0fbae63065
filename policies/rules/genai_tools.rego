# METADATA
# title: GenAI tools
# description: What GenAI tools may not log, whoever grants it.
package egress.rules.own.genai_tools

import rego.v2

# METADATA
# title: GenAI tools may log prompt categories and error codes to analytics, but not tenant IDs or user identifiers
# custom:
#   code: forbidden_category
#   message: GenAI tools may not log tenant ids or user identifiers to analytics.
#   fix: "Drop {fields}."
rulings["genai-no-identifiers"] contains index if {
	_genai_tool
	"analytics" in input.vendor.categories
	some index, profile in input.profiles
	some category in [
		"system.tenant", "user.unique_id", "user.contact", "user.name", "user.device.ip_address", "user.device.device_id",
	]
	profile.ancestors[category]
}

_genai_tool if "genai_tool" in input.identity.roles

_genai_tool if input.identity.type in {"agent", "tool"}
