package egress.rules.relationships_test

import rego.v2

import data.egress.rules.relationships

_question := {
	"event": {"about": "account"},
	"about": {"id": "account:A1", "relations": ["assigned"]},
	"grants": [{"id": "support", "relation": "assigned"}, {"id": "other"}],
}

_cases := [
	{"note": "R7 assigned", "given": _question, "want": set()},
	{
		"note": "R7 J19 unrelated",
		"given": object.union(_question, {"about": {"relations": ["parent"]}}),
		"want": {{"grant": "support", "code": "no_relationship"}},
	},
	{
		"note": "J19 about is absent",
		"given": object.remove(_question, ["about"]),
		"want": {{"grant": "support", "code": "no_relationship"}},
	},
	{"note": "J19 the event is about nothing", "given": object.union(_question, {"event": {"about": false}}), "want": set()},
]

test_failed[case.note] if {
	some case in _cases
	failed := relationships.failed with input as case.given
	failed == case.want
	unmet := relationships.unmet with input as case.given
	unmet == {failure.grant | some failure in case.want}
}
