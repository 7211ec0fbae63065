package egress.rules.rbac_test

import rego.v2

import data.egress.rules.rbac

_grant := {
	"id": "g", "role": "sender", "vendors": [{"party": "third", "categories": ["analytics"]}],
	"environments": ["production"], "purposes": ["analytics"], "channels": ["*"], "kinds": ["raw_event"],
	"categories": {"exact": ["user.name"], "below": ["system.operations"]},
	"except": {"exact": ["system.operations.plan"], "below": []},
	"exclusive": false, "conditions": [],
}

_question := {
	"identity": {"roles": ["sender"]},
	"vendor": {"id": "mixpanel", "party": "third", "categories": ["analytics"]},
	"environment": {"id": "production"},
	"purpose": {"ancestors": {"analytics": true, "analytics.reporting": true}},
	"channel": "telemetry",
	"event": {"kind": "raw_event"},
	"profiles": [
		{"category": "system.operations.feature_flag", "ancestors": {"system.operations": true}},
		{"category": "system.operations.plan", "ancestors": {"system.operations": true}},
		{"category": "user.name", "ancestors": {"user": true}},
		{"category": "user.name.first", "ancestors": {"user.name": true}},
	],
	"grants": [_grant],
	"matches": [[0], [0], [0], [0]],
	"exclusives": [],
}

_cases := [
	{"note": "J4 exact, below, except", "patch": {}, "want": {0, 2}},
	{"note": "the host proposes less", "patch": {"matches": [[], [0], [0], [0]]}, "want": {2}},
	{"note": "another role", "patch": {"identity": {"roles": ["other"]}}, "want": set()},
	{"note": "another environment", "patch": {"environment": {"id": "staging"}}, "want": set()},
	{"note": "J6 a purpose beside it", "patch": {"purpose": {"ancestors": {"analytics": false}}}, "want": set()},
	{"note": "another kind", "patch": {"event": {"kind": "aggregate"}}, "want": set()},
	{"note": "a first party", "patch": {"vendor": {"party": "first"}}, "want": set()},
	{"note": "a vendor of another category", "patch": {"vendor": {"categories": ["support"]}}, "want": set()},
	{
		"note": "R53 of a category that only one source gives it",
		"patch": {"vendor": {"categories": ["analytics", "support"], "confirmed": ["support"]}},
		"want": set(),
	},
	{
		"note": "R53 of a category that every source gives it",
		"patch": {"vendor": {"categories": ["analytics", "support"], "confirmed": ["analytics"]}},
		"want": {0, 2},
	},
	{"note": "J3 closed by an exclusive grant", "patch": {"exclusives": ["e"]}, "want": set()},
	{
		"note": "J3 itself exclusive",
		"patch": {"exclusives": ["g"], "grants": [object.union(_grant, {"exclusive": true})]},
		"want": {0, 2},
	},
	{
		"note": "by vendor id",
		"patch": {"grants": [object.union(_grant, {"vendors": [{"vendor": "mixpanel"}]})]},
		"want": {0, 2},
	},
	{
		"note": "a condition that is not met",
		"patch": {"grants": [object.union(_grant, {"conditions": [{"code": "no_permit", "any": []}]})]},
		"want": set(),
	},
	{
		"note": "R7 a relation that is not held",
		"patch": {"event": {"about": "account"}, "grants": [object.union(_grant, {"relation": "assigned"})]},
		"want": set(),
	},
]

test_permits[case.note] if {
	some case in _cases
	permits := rbac.permits with input as object.union(_question, case.patch)
	{index | some index in permits.g} == case.want
}
