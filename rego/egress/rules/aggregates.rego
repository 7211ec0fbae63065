# METADATA
# title: Aggregates
# description: >-
#   An aggregate counts distinct people per cell: cells have a smallest size, and what it is grouped by identifies
#   nobody.
package egress.rules.aggregates

import rego.v2

# METADATA
# title: The smallest cell of an aggregate has enough distinct people
# custom:
#   code: aggregate_too_small
#   message: The smallest cell has too few distinct people, or its size was not stated.
#   fix: Suppress or merge small cells, and state aggregate.minCell.
rulings["aggregate-cells-too-small"] contains "*" if {
	input.event.kind == "aggregate"
	not input.aggregate.minCell >= input.event.minCell
}

# METADATA
# title: A column of an aggregate identifies nobody
# custom:
#   code: aggregate_identifying
#   message: "{fields} would identify people in the aggregate."
#   fix: "Drop {fields}."
rulings["aggregate-column-identifying"] contains index if {
	input.event.kind == "aggregate"
	some index, profile in input.profiles
	profile.known
	not profile.measure
	not profile.identifiability == "none"
}

# METADATA
# title: An aggregate is not grouped by what identifies
# custom:
#   code: aggregate_identifying
#   message: The aggregate is grouped by something that identifies, or that nobody has classified.
#   fix: Group by something that identifies nobody.
rulings["aggregate-group-identifying"] contains "*" if {
	input.event.kind == "aggregate"
	some group in input.aggregate.groupBy
	not group.identifiability == "none"
}
