package egress.rules.own.support_agents_test

import rego.v2

import data.egress.rules.own.support_agents

_question := {
	"identity": {"roles": ["support_agent"]},
	"event": {"kind": "raw_event"},
	"profiles": [
		{"ancestors": {"user": true, "user.location": true}},
		{"ancestors": {"user": true, "user.contact": true, "user.contact.email": true}},
	],
}

_cases := [
	{"note": "R3 P2", "patch": {}, "want": {1}},
	{"note": "R3 P2 but an aggregate", "patch": {"event": {"kind": "aggregate"}}, "want": set()},
	{"note": "R3 P2 but another role", "patch": {"identity": {"roles": ["analyst"]}}, "want": set()},
]

test_rulings[case.note] if {
	some case in _cases
	found := support_agents.rulings with input as object.union(_question, case.patch)
	found["support-no-raw-identifiers"] == case.want
}
