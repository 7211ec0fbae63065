# METADATA
# title: Conditions
# description: >-
#   One evaluator for condition atoms, of grants and of condition sets alike. A condition is met when all atoms of one
#   of its alternatives hold; an atom on a missing attribute never holds, negated or not.
package egress.rules.conditions

import rego.v2

# METADATA
# title: Conditions that are not met, with the reason that each gives
failed contains {"grant": grant.id, "code": condition.code} if {
	some grant in input.grants
	some condition in grant.conditions
	not _met(condition)
}

# METADATA
# title: Grants with a condition that is not met
unmet contains failure.grant if some failure in failed

_met(condition) if {
	some atoms in condition.any
	every atom in atoms {
		_holds(atom)
	}
}

_holds(atom) if {
	not atom.negate
	_true(atom.op, _attribute(atom.path), _operand(atom))
}

_holds(atom) if {
	atom.negate
	atom.op in _operators
	left := _attribute(atom.path)
	right := _operand(atom)
	not _true(atom.op, left, right)
}

_operand(atom) := atom.value

_operand(atom) := _attribute(atom.ref)

# Undefined when the attribute is missing or null: then no atom on it holds.
_attribute(path) := value if {
	value := object.get(input, path, null)
	value != null
}

_operators := {
	"equals", "not-equals", "less-than", "greater-than", "less-than-equals", "greater-than-equals", "contains", "in",
	"between", "array_contains", "array_subset", "array_superset", "array_intersect", "object_match", "any_match",
	"all_match",
}

_true("equals", left, right) if left == right

_true("not-equals", left, right) if left != right

_true("less-than", left, right) if {
	_ordered(left, right)
	left < right
}

_true("greater-than", left, right) if {
	_ordered(left, right)
	left > right
}

_true("less-than-equals", left, right) if {
	_ordered(left, right)
	left <= right
}

_true("greater-than-equals", left, right) if {
	_ordered(left, right)
	left >= right
}

_true("between", left, right) if {
	_ordered(left, right[0])
	_ordered(left, right[1])
	left >= right[0]
	left <= right[1]
}

_true("contains", left, right) if contains(left, right)

_true("in", left, right) if {
	is_array(right)
	left in right
}

_true("array_contains", left, right) if {
	is_array(left)
	right in left
}

_true("array_subset", left, right) if _all_in(left, right)

_true("array_superset", left, right) if _all_in(right, left)

_true("array_intersect", left, right) if {
	is_array(left)
	is_array(right)
	some element in left
	element in right
}

_true("object_match", left, right) if _matches(left, right)

_true("any_match", left, right) if {
	is_array(left)
	some element in left
	_matches(element, object.get(right, "match", right))
}

_true("all_match", left, right) if {
	is_array(left)
	count(left) > 0
	every element in left {
		_matches(element, object.get(right, "match", right))
	}
}

# Rego orders any two values; a condition orders only two numbers or two strings.
_ordered(left, right) if {
	is_number(left)
	is_number(right)
}

_ordered(left, right) if {
	is_string(left)
	is_string(right)
}

_all_in(elements, list) if {
	is_array(elements)
	is_array(list)
	every element in elements {
		element in list
	}
}

_matches(candidate, wanted) if {
	is_object(candidate)
	is_object(wanted)
	every key, value in wanted {
		candidate[key] == value
	}
}
