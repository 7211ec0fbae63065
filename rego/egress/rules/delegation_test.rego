package egress.rules.delegation_test

import rego.v2

import data.egress.rules.delegation

_question := {
	"identity": {},
	"vendor": {"id": "mixpanel"},
	"environment": {"id": "production"},
	"profiles": [
		{"known": true, "category": "system.ai.prompt_category", "ancestors": {"system": true, "system.ai": true}},
		{"known": true, "category": "user.name.full", "ancestors": {"user": true, "user.name": true}},
	],
}

_cases := [
	{"note": "nobody acts for anybody", "patch": {}, "want": {}},
	{"note": "J20 a stored relation", "patch": {"delegation": {"actsFor": true}}, "want": {}},
	{"note": "J20 none", "patch": {"delegation": {"actsFor": false}}, "want": {"acts-for-missing": {"*"}}},
	{
		"note": "J20 onBehalfOf is required",
		"patch": {"identity": {"manifest": {"onBehalfOf": "required"}}},
		"want": {"on-behalf-of-required": {"*"}},
	},
	{
		"note": "J20 onBehalfOf is required and given",
		"patch": {"identity": {"manifest": {"onBehalfOf": "required"}}, "delegation": {"actsFor": true}},
		"want": {},
	},
	{
		"note": "R35 another vendor",
		"patch": {"identity": {"manifest": {"vendors": ["intercom"]}}},
		"want": {"manifest-vendor": {"*"}},
	},
	{
		"note": "R35 another environment",
		"patch": {"identity": {"manifest": {"environments": ["staging"]}}},
		"want": {"manifest-environment": {"*"}},
	},
	{
		"note": "R35 categories by prefix and exactly",
		"patch": {"identity": {"manifest": {"categories": {"exact": ["user.name"], "below": ["system.ai"]}}}},
		"want": {"manifest-category": {1}},
	},
	{
		"note": "R35 all that it declared",
		"patch": {"identity": {"manifest": {
			"vendors": ["mixpanel"],
			"environments": ["production"],
			"categories": {"exact": ["user.name.full"], "below": ["system"]},
		}}},
		"want": {},
	},
]

test_rulings[case.note] if {
	some case in _cases
	found := delegation.rulings with input as object.union(_question, case.patch)
	{id: hits | some id, hits in found; count(hits) > 0} == case.want
}
