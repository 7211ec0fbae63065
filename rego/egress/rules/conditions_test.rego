package egress.rules.conditions_test

import rego.v2

import data.egress.rules.conditions

_question := {"identity": {"attributes": {
	"age": 30, "team": "data", "tags": ["a", "b"], "since": "2024-01-01", "empty": [],
	"badges": [{"id": 1, "ok": true}, {"id": 2, "ok": true}], "home": {"city": "Lyon", "zip": "69001"}, "nothing": null,
}}}

_atom(name, op, value) := {"path": ["identity", "attributes", name], "op": op, "value": value}

_holding := [
	_atom("age", "equals", 30),
	_atom("age", "not-equals", 31),
	_atom("age", "less-than", 31),
	_atom("age", "greater-than", 29),
	_atom("age", "less-than-equals", 30),
	_atom("age", "greater-than-equals", 30),
	_atom("age", "between", [30, 40]),
	_atom("since", "less-than", "2025"),
	_atom("team", "contains", "at"),
	_atom("team", "in", ["data", "ops"]),
	_atom("tags", "array_contains", "a"),
	_atom("tags", "array_subset", ["a", "b", "c"]),
	_atom("tags", "array_superset", ["b"]),
	_atom("tags", "array_intersect", ["b", "x"]),
	_atom("home", "object_match", {"city": "Lyon"}),
	_atom("badges", "any_match", {"id": 2}),
	_atom("badges", "all_match", {"match": {"ok": true}}),
	{"path": ["identity", "attributes", "team"], "op": "equals", "ref": ["identity", "attributes", "team"]},
	object.union(_atom("team", "equals", "ops"), {"negate": true}),
	object.union(_atom("age", "less-than", 30), {"negate": true}),
	object.union(_atom("team", "in", []), {"negate": true}),
	object.union(_atom("empty", "array_contains", 1), {"negate": true}),
	_atom("empty", "array_subset", [1]),
	object.union(_atom("badges", "equals", [{"id": 3}]), {"negate": true}),
	_atom("badges", "array_contains", {"id": 1, "ok": true}),
]

# Operands that don't fit, neither as it is nor under `not`.
_unfit := [
	_atom("age", "equals", "30"),
	_atom("age", "not-equals", "30"),
	_atom("tags", "equals", [1]),
	_atom("home", "not-equals", {"zip": 69001}),
	_atom("age", "less-than", "x"),
	_atom("age", "between", ["1", "9"]),
	_atom("age", "between", [1]),
	_atom("age", "contains", "3"),
	_atom("age", "in", ["30"]),
	_atom("age", "in", [30, "31"]),
	_atom("team", "in", {"a map is": "data"}),
	_atom("team", "array_contains", "d"),
	_atom("tags", "array_contains", 1),
	_atom("badges", "array_contains", {"id": "1"}),
	_atom("tags", "array_subset", [1]),
	_atom("tags", "array_superset", [1]),
	_atom("tags", "array_intersect", [1]),
	_atom("tags", "array_intersect", "a"),
	_atom("home", "object_match", {"zip": 69001}),
	_atom("home", "object_match", {"missing": 1}),
	_atom("home", "object_match", ["Lyon"]),
	_atom("badges", "any_match", {"id": "2"}),
	_atom("tags", "any_match", {"id": 2}),
	_atom("badges", "all_match", {"match": {"ok": "true"}}),
	_atom("team", "no-such-operator", "data"),
]

_failing := [
	_atom("age", "not-equals", 30),
	_atom("age", "less-than", 30),
	_atom("age", "greater-than", 30),
	_atom("age", "less-than-equals", 29),
	_atom("age", "greater-than-equals", 31),
	_atom("age", "between", [31, 40]),
	_atom("team", "contains", "x"),
	_atom("team", "in", ["ops"]),
	_atom("tags", "array_subset", ["a"]),
	_atom("tags", "array_superset", ["x"]),
	_atom("tags", "array_intersect", ["x"]),
	_atom("home", "object_match", {"city": "Paris"}),
	_atom("badges", "any_match", {"id": 3}),
	_atom("badges", "all_match", {"id": 1}),
	_atom("empty", "all_match", {}),
	object.union(_atom("team", "equals", "data"), {"negate": true}),
	_atom("missing", "equals", "x"),
	_atom("nothing", "not-equals", "x"),
	object.union(_atom("missing", "equals", "x"), {"negate": true}),
	{"path": ["identity", "attributes", "team"], "op": "equals", "ref": ["identity", "attributes", "missing"]},
]

_input(any) := object.union(_question, {"grants": [{"id": "g", "conditions": [{"code": "no_permit", "any": any}]}]})

_unmet := {{"grant": "g", "code": "no_permit"}}

test_holding[note] if {
	some atom in _holding
	note := sprintf("%s %v", [atom.op, atom])
	conditions.failed == set() with input as _input([[atom]])
}

test_failing[note] if {
	some atom in _failing
	note := sprintf("%s %v", [atom.op, atom])
	conditions.failed == _unmet with input as _input([[atom]])
}

test_unfit[note] if {
	some atom in _unfit
	some asked in [atom, object.union(atom, {"negate": true})]
	note := sprintf("%s %v", [asked.op, asked])
	conditions.failed == _unmet with input as _input([[asked]])
}

test_all_atoms_of_one_alternative if {
	[holding, failing] := [_atom("age", "equals", 30), _atom("age", "equals", 31)]
	conditions.failed == _unmet with input as _input([[holding, failing]])
	conditions.failed == set() with input as _input([[holding, failing], [holding]])
	conditions.failed == _unmet with input as _input([])
}

test_unmet_names_the_grant if {
	grants := [{"id": "g", "conditions": [{"code": "no_permit", "any": []}]}, {"id": "h", "conditions": []}]
	conditions.unmet == {"g"} with input as {"grants": grants}
}
