package egress.rules.genai_test

import rego.v2

import data.egress.rules.genai

_question := {
	"identity": {"type": "service", "roles": []},
	"vendor": {"party": "third", "categories": ["analytics"], "reaches": {"llm": false}},
	"channel": "telemetry",
	"profiles": [
		{"known": true, "identifiability": "none", "ancestors": {"system": true, "system.ai": true}},
		{"known": true, "identifiability": "direct", "ancestors": {"user": true, "user.contact": true}},
		{"known": true, "identifiability": "none", "ancestors": {"system": true, "system.ai.tool_id": true}},
		{"known": true, "identifiability": "quasi", "ancestors": {"user": true, "user.content": true}},
		{"known": true, "identifiability": "quasi", "ancestors": {"system": true, "system.tenant": true}},
		{"known": false, "identifiability": "direct", "ancestors": {}},
	],
}

_everyone := {"tool-ids-stay-home": {2}, "free-text-not-to-analytics": {3}}

_cases := [
	{"note": "a service to analytics", "patch": {}, "want": _everyone},
	{
		"note": "R10 a first party",
		"patch": {"vendor": {"party": "first"}},
		"want": {},
	},
	{
		"note": "R38 a tool call",
		"patch": {"channel": "tool_call", "vendor": {"categories": ["llm"]}},
		"want": {"tool-ids-stay-home": {2}, "prompt-identifiers": {1}},
	},
	{
		"note": "R49 the chain reaches a language model",
		"patch": {"vendor": {"reaches": {"llm": true}}},
		"want": object.union(_everyone, {"tenant-ids-reach-llm": {4}}),
	},
	{
		"note": "R49 nobody knows the chain",
		"patch": {"vendor": {"reaches": {"llm": null}}},
		"want": object.union(_everyone, {"tenant-ids-reach-llm": {4}}),
	},
]

test_rulings[case.note] if {
	some case in _cases
	found := genai.rulings with input as object.union(_question, case.patch)
	{id: hits | some id, hits in found; count(hits) > 0} == case.want
}
