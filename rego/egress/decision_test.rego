package egress_test

import rego.v2

import data.egress

test_collects_every_file if {
	decision := egress.decision with input as {
		"profiles": [{"known": true, "ancestors": {"system.ai.tool_id": true}}],
		"event": {"known": true, "kind": "aggregate", "minCell": 10},
		"delegation": {"actsFor": false},
	}

	hit := object.keys(decision.rulings)
	{
		"aggregate-cells-too-small", "acts-for-missing", "tool-ids-stay-home", "unknown-identity",
		"transfer-basis-missing", "dpa-missing",
	} - hit == set()
	decision.permits == {}
	decision.failed == set()
}

# What hits nothing is not said: writing and reading it cost a sixth of the evaluation.
test_gives_hits_only if {
	decision := egress.decision with input as {"profiles": [], "identity": {"known": true}}
	not decision.rulings["unknown-identity"]
	not decision.rulings["dpa-missing"]
}

# J21 principle 1: with nothing known, everything is objected to and nothing is permitted.
test_nothing_known_permits_nothing if {
	decision := egress.decision with input as {}
	decision.permits == {}
	hit := {id | some id, hits in decision.rulings; "*" in hits}
	{"unknown-identity", "unknown-vendor", "unknown-event", "unknown-environment", "purpose-missing"} & hit == {
		"unknown-identity", "unknown-vendor", "unknown-event", "unknown-environment", "purpose-missing",
	}
}

# Whatever a rule gives besides a set of profiles goes on, so that the host refuses it and denies: dropped, a forbid
# would fail open.
test_passes_on_what_is_no_set[case.note] if {
	some case in [
		{"note": "true", "rulings": {"x": true}},
		{"note": "false", "rulings": {"x": false}},
		{"note": "null", "rulings": {"x": null}},
		{"note": "a number", "rulings": {"x": 0}},
		{"note": "a text", "rulings": {"x": "*"}},
		{"note": "an empty text", "rulings": {"x": ""}},
		{"note": "an empty list", "rulings": {"x": []}},
		{"note": "an empty object", "rulings": {"x": {}}},
	]
	shipped := egress.decision with egress.rules.guardrails.rulings as case.rulings
	shipped.rulings.x == case.rulings.x

	own := egress.decision with egress.rules.own.any.rulings as case.rulings
	own.rulings.x == case.rulings.x
}
