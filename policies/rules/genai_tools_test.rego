package egress.rules.own.genai_tools_test

import rego.v2

import data.egress.rules.own.genai_tools

_question := {
	"identity": {"type": "service", "roles": []},
	"vendor": {"categories": ["analytics"]},
	"profiles": [
		{"ancestors": {"system": true, "system.ai": true}},
		{"ancestors": {"user": true, "user.contact": true}},
		{"ancestors": {"system": true, "system.tenant": true}},
	],
}

_cases := [
	{"note": "a service", "patch": {}, "want": set()},
	{"note": "R4 P3 an agent", "patch": {"identity": {"type": "agent"}}, "want": {1, 2}},
	{"note": "R4 P3 by role", "patch": {"identity": {"roles": ["genai_tool"]}}, "want": {1, 2}},
	{
		"note": "R4 P3 an agent, not to analytics",
		"patch": {"identity": {"type": "agent"}, "vendor": {"categories": ["llm"]}},
		"want": set(),
	},
]

test_rulings[case.note] if {
	some case in _cases
	found := genai_tools.rulings with input as object.union(_question, case.patch)
	found["genai-no-identifiers"] == case.want
}
