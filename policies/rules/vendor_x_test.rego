package egress.rules.own.vendor_x_test

import rego.v2

import data.egress.rules.own.vendor_x

_question := {
	"vendor": {"id": "vendor-x"},
	"profiles": [
		{"known": true, "identifiability": "none"},
		{"known": true, "identifiability": "direct"},
		{"known": true, "identifiability": "quasi"},
		{"known": false, "identifiability": "direct"},
	],
}

_cases := [
	{"note": "R2 P1", "patch": {}, "want": {1}},
	{"note": "another vendor", "patch": {"vendor": {"id": "mixpanel"}}, "want": set()},
]

test_rulings[case.note] if {
	some case in _cases
	found := vendor_x.rulings with input as object.union(_question, case.patch)
	found["anonymized-only"] == case.want
}
