package egress.rules.aggregates_test

import rego.v2

import data.egress.rules.aggregates

_question := {
	"event": {"kind": "aggregate", "minCell": 10},
	"aggregate": {"minCell": 25, "groupBy": [{"identifiability": "none"}]},
	"profiles": [
		{"known": true, "measure": false, "identifiability": "none"},
		{"known": true, "measure": true, "identifiability": "quasi"},
	],
}

_cases := [
	{"note": "R3 large cells", "patch": {}, "want": {}},
	{"note": "exactly k", "patch": {"aggregate": {"minCell": 10}}, "want": {}},
	{"note": "R3 under k", "patch": {"aggregate": {"minCell": 9}}, "want": {"aggregate-cells-too-small": {"*"}}},
	{
		"note": "J18 a column that identifies",
		"patch": {"profiles": [{"known": true, "measure": false, "identifiability": "direct"}]},
		"want": {"aggregate-column-identifying": {0}},
	},
	{
		"note": "R32 grouped by a person",
		"patch": {"aggregate": {"groupBy": [{"identifiability": "quasi"}]}},
		"want": {"aggregate-group-identifying": {"*"}},
	},
	{
		"note": "J18 grouped by what nobody knows",
		"patch": {"aggregate": {"groupBy": [{"known": false}]}},
		"want": {"aggregate-group-identifying": {"*"}},
	},
	{"note": "J18 a raw event may say aggregate", "patch": {"event": {"kind": "raw_event"}}, "want": {}},
]

test_rulings[case.note] if {
	some case in _cases
	found := aggregates.rulings with input as object.union(_question, case.patch)
	{id: hits | some id, hits in found; count(hits) > 0} == case.want
}

test_no_cell_size_is_too_small if {
	found := aggregates.rulings with input as {"event": {"kind": "aggregate", "minCell": 10}, "profiles": []}
	found["aggregate-cells-too-small"] == {"*"}
}
