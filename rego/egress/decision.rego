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
	"rulings": {id: hits |
		some id
		hits := data.egress.rules[_].rulings[id]
		count(hits) > 0
	},
	"permits": data.egress.rules.rbac.permits,
	"failed": (data.egress.rules.conditions.failed | data.egress.rules.relationships.failed),
}
