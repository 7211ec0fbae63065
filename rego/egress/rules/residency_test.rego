package egress.rules.residency_test

import rego.v2

import data.egress.rules.residency

_question := {
	"vendor": {
		"party": "third", "inEu": false, "reaches": {"inEu": false},
		"claims": {"transfer_basis": {"state": "valid", "value": {"type": "SCC", "covers_subprocessors": true}}},
	},
	"dataSubject": {"elsewhere": false},
	"profiles": [{"known": true, "personal": true}, {"known": true, "personal": false}],
}

_cases := [
	{"note": "J15 a basis that covers all", "patch": {}, "want": {}},
	{
		"note": "R47 no basis",
		"patch": {"vendor": {"claims": {"transfer_basis": {"state": "missing", "value": null}}}},
		"want": {"transfer-basis-missing": {0}},
	},
	{
		"note": "R47 an EU host, but a sub-processor outside",
		"patch": {"vendor": {"inEu": true, "claims": {"transfer_basis": {"value": {"covers_subprocessors": false}}}}},
		"want": {"sub-processor-residency": {0}},
	},
	{
		"note": "J15 all of the chain in the EU needs no basis",
		"patch": {"vendor": {"inEu": true, "reaches": {"inEu": true}, "claims": {"transfer_basis": {"state": "expired"}}}},
		"want": {},
	},
	{
		"note": "J15 data subjects elsewhere",
		"patch": {"dataSubject": {"elsewhere": true}, "vendor": {"claims": {"transfer_basis": {"state": "expired"}}}},
		"want": {},
	},
	{
		"note": "a first party",
		"patch": {"vendor": {"party": "first", "claims": {"transfer_basis": {"state": "expired"}}}},
		"want": {},
	},
]

test_rulings[case.note] if {
	some case in _cases
	found := residency.rulings with input as object.union(_question, case.patch)
	{id: hits | some id, hits in found; count(hits) > 0} == case.want
}
