# METADATA
# title: GenAI
# description: What GenAI tools may log, and what may enter the channels around a language model.
package egress.rules.genai

import rego.v2

# METADATA
# title: >-
#   GenAI controls: tenant ids, customer names, internal tool identifiers to any third party forbidden; allowed to
#   internal observability
# custom:
#   code: forbidden_category
#   message: Internal tool identifiers may not leave for any third party.
#   fix: "Drop {fields}, or send to a first-party vendor."
rulings["tool-ids-stay-home"] contains index if {
	not input.vendor.party == "first"
	some index, profile in input.profiles
	some category in ["system.ai.tool_id", "system.ai.knowledge_base_id"]
	profile.ancestors[category]
}

# METADATA
# title: Free text never goes to analytics
# custom:
#   code: free_text
#   message: "{fields} is free text; nobody knows what stands in it."
#   fix: "Drop {fields}, or send a category of it."
rulings["free-text-not-to-analytics"] contains index if {
	"analytics" in input.vendor.categories
	not input.vendor.party == "first"
	some index, profile in input.profiles
	profile.ancestors["user.content"]
}

# METADATA
# title: No direct identifier enters a prompt, a retrieval, a tool call or a response that leaves
# custom:
#   code: not_deidentified
#   message: "{fields} identifies a person, and may not enter a language model's channels outside."
#   fix: "Drop or pseudonymise {fields}."
#   judges: result
rulings["prompt-identifiers"] contains index if {
	input.channel in {"prompt", "retrieval", "tool_call", "response"}
	not input.vendor.party == "first"
	some index, profile in input.profiles
	profile.known
	not profile.identifiability in {"none", "quasi"}
}

# METADATA
# title: Tenant data does not go to a vendor whose chain reaches a language model
# custom:
#   code: reaches_llm
#   message: "The vendor hands data on to a language model: {path}."
#   fix: "Drop {fields}, or have the vendor switch its AI features off and write on: false at the edge in vendors.yaml."
#   judges: result
rulings["tenant-ids-reach-llm"] contains index if {
	not input.vendor.party == "first"
	not input.vendor.reaches.llm == false
	some index, profile in input.profiles
	profile.ancestors["system.tenant"]
}
