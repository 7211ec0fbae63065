# METADATA
# description: Collects what the rules say. Permission is folded from it by fixed laws that can only take away.
# scope: subpackages
# schemas:
#   - input: schema.input
package egress

import rego.v2

# METADATA
# title: What grants and rules say of each profile
# description: >-
#   rulings: by rule id, the indexes of the profiles it hits, or "*" for all. permits: by grant id, the indexes of the
#   profiles it covers. failed: the conditions that were not met.
# entrypoint: true
decision := {
	"rulings": _rulings,
	"permits": data.egress.rules.rbac.permits,
	"failed": (data.egress.rules.conditions.failed | data.egress.rules.relationships.failed),
}

# Whatever is no empty set goes on: the host refuses what is no set of profiles, and two rules of one id conflict.
_rulings[id] := hits if {
	some id
	hits := data.egress.rules[_].rulings[id]
	hits != set()
}

_rulings[id] := hits if {
	some id
	hits := data.egress.rules.own[_].rulings[id]
	hits != set()
}
