# METADATA
# title: Conditions
# description: >-
#   One evaluator for condition atoms, of grants and of condition sets alike. A condition is met when all atoms of one
#   of its alternatives hold; an atom whose attribute is missing, or whose operands don't fit its operator, never holds,
#   negated or not.
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
	left := _attribute(atom.path)
	right := _operand(atom)
	_fits(atom.op, left, right)
	_true(atom.op, left, right)
}

_holds(atom) if {
	atom.negate
	left := _attribute(atom.path)
	right := _operand(atom)
	_fits(atom.op, left, right)
	not _true(atom.op, left, right)
}

_operand(atom) := atom.value

_operand(atom) := _attribute(atom.ref)

# Undefined when the attribute is missing or null: then no atom on it holds.
_attribute(path) := value if {
	value := object.get(input, path, null)
	value != null
}

# What would be compared is of one type: Rego itself orders any two values, and finds two of different types unequal.
_fits(op, left, right) if {
	op in {"equals", "not-equals"}
	_comparable(left, right)
}

_fits(op, left, right) if {
	op in {"less-than", "greater-than", "less-than-equals", "greater-than-equals"}
	_ordered(left, right)
}

_fits("between", left, right) if {
	is_array(right)
	count(right) == 2
	_ordered(left, right[0])
	_ordered(left, right[1])
}

_fits("contains", left, right) if {
	is_string(left)
	is_string(right)
}

_fits("in", left, right) if _lists_fit([left], right)

_fits("array_contains", left, right) if _lists_fit(left, [right])

_fits(op, left, right) if {
	op in {"array_subset", "array_superset", "array_intersect"}
	_lists_fit(left, right)
}

_fits("object_match", left, right) if _matchable(left, right)

_fits(op, left, right) if {
	op in {"any_match", "all_match"}
	is_array(left)
	every element in left {
		_matchable(element, object.get(right, "match", right))
	}
}

_true("equals", left, right) if left == right

_true("not-equals", left, right) if left != right

_true("less-than", left, right) if left < right

_true("greater-than", left, right) if left > right

_true("less-than-equals", left, right) if left <= right

_true("greater-than-equals", left, right) if left >= right

_true("between", left, right) if {
	left >= right[0]
	left <= right[1]
}

_true("contains", left, right) if contains(left, right)

_true("in", left, right) if left in right

_true("array_contains", left, right) if right in left

_true("array_subset", left, right) if _all_in(left, right)

_true("array_superset", left, right) if _all_in(right, left)

_true("array_intersect", left, right) if {
	some element in left
	element in right
}

_true("object_match", left, right) if _matches(left, right)

_true("any_match", left, right) if {
	some element in left
	_matches(element, object.get(right, "match", right))
}

_true("all_match", left, right) if {
	count(left) > 0
	every element in left {
		_matches(element, object.get(right, "match", right))
	}
}

_ordered(left, right) if {
	is_number(left)
	is_number(right)
}

_ordered(left, right) if {
	is_string(left)
	is_string(right)
}

# Of one type, and so is whatever stands at the same place inside both.
_comparable(left, right) if {
	type_name(left) == type_name(right)
	not _clash(left, right)
}

_clash(left, right) if {
	type_name(left) in {"array", "object"}
	types := {pair[0]: type_name(pair[1]) | walk(right, pair)}
	walk(left, [path, value])
	types[path] != type_name(value)
}

# Every element of one can be compared with every one of the other: an empty list fits any.
_lists_fit(left, right) if {
	is_array(left)
	is_array(right)
	every type in {type_name(element) | some element in left} {
		every other in {type_name(element) | some element in right} {
			type == other
		}
	}
	not _elements_clash(left, right)
}

_elements_clash(left, right) if {
	some element in left
	type_name(element) in {"array", "object"}
	some other in right
	_clash(element, other)
}

_all_in(elements, list) if {
	every element in elements {
		element in list
	}
}

# All that is wanted is there, and of the type that is wanted.
_matchable(candidate, wanted) if {
	is_object(candidate)
	is_object(wanted)
	every key, value in wanted {
		_comparable(candidate[key], value)
	}
}

_matches(candidate, wanted) if {
	every key, value in wanted {
		candidate[key] == value
	}
}
