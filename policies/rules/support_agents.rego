# METADATA
# title: Support agents
# description: What support agents may not export, whoever grants it.
package egress.rules.own.support_agents

import rego.v2

# METADATA
# title: Support agents can export aggregated usage reports, never raw event logs with emails or IPs
# custom:
#   code: raw_identifiers
#   message: Support agents may not export raw events with e-mail or IP addresses.
#   fix: "Drop {fields}, or export an aggregate."
rulings["support-no-raw-identifiers"] contains index if {
	"support_agent" in input.identity.roles
	not input.event.kind == "aggregate"
	some index, profile in input.profiles
	some category in ["user.contact.email", "user.contact.email_hash", "user.device.ip_address"]
	profile.ancestors[category]
}
