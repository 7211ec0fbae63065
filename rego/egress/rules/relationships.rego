# METADATA
# title: Relationships
# description: A grant that names a relation covers an event about an object only for who holds that relation to it.
package egress.rules.relationships

import rego.v2

# METADATA
# title: Grants whose relation the identity does not hold to the object
failed contains {"grant": grant.id, "code": "no_relationship"} if {
	some grant in input.grants
	grant.relation
	input.event.about
	not grant.relation in input.about.relations
}

# METADATA
# title: Grants with a relation that is not held
unmet contains failure.grant if some failure in failed
