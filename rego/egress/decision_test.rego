package egress_test

import rego.v2

import data.egress

test_collects_every_file if {
	decision := egress.decision with input as {"profiles": [{"known": true}], "event": {"known": true}}

	count(decision.rulings) == 6
	ids := {id | some rulings in decision.rulings; some id, _ in rulings}
	{"unknown-identity", "dpa-missing", "transfer-basis-missing", "acts-for-missing"} & ids != set()
	decision.permits == {}
	decision.failed == set()
}

# J21 principle 1: with nothing known, everything is objected to and nothing is permitted.
test_nothing_known_permits_nothing if {
	decision := egress.decision with input as {}
	decision.permits == {}
	hit := {id | some rulings in decision.rulings; some id, hits in rulings; "*" in hits}
	{"unknown-identity", "unknown-vendor", "unknown-event", "unknown-environment", "purpose-missing"} & hit == {
		"unknown-identity", "unknown-vendor", "unknown-event", "unknown-environment", "purpose-missing",
	}
}
