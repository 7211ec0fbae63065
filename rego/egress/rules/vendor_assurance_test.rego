package egress.rules.vendor_assurance_test

import rego.v2

import data.egress.rules.vendor_assurance

_claims := {
	"dpa": {"state": "valid", "value": true},
	"breach_notice_hours": {"state": "valid", "value": 72},
	"retention_days": {"state": "valid", "value": 90},
	"trains_on_data": {"state": "valid", "value": false},
}

_question := {
	"vendor": {"party": "third", "claims": _claims},
	"profiles": [
		{"known": true, "sensitivity": "internal", "ancestors": {"system.ai": true}},
		{"known": true, "sensitivity": "confidential", "ancestors": {"user": true}},
	],
}

_cases := [
	{"note": "J14 all is stated", "patch": {}, "want": {}},
	{"note": "R42 no DPA", "patch": {"dpa": {"state": "missing"}}, "want": {"dpa-missing": {1}}},
	{"note": "R43 a DPA that expired", "patch": {"dpa": {"state": "expired"}}, "want": {"dpa-expired": {1}}},
	{"note": "a DPA that was refused", "patch": {"dpa": {"value": false}}, "want": {"dpa-insufficient": {1}}},
	{"note": "R46 no SLA", "patch": {"breach_notice_hours": {"state": "missing"}}, "want": {"breach-notice-missing": {1}}},
	{"note": "R46 the SLA expired", "patch": {"breach_notice_hours": {"state": "expired"}}, "want": {"breach-notice-expired": {1}}},
	{"note": "R46 too slow", "patch": {"breach_notice_hours": {"value": 73}}, "want": {"breach-notice-insufficient": {1}}},
	{
		"note": "F25 no number of hours",
		"patch": {"breach_notice_hours": {"value": false}},
		"want": {"breach-notice-insufficient": {1}},
	},
	{
		"note": "F25 no number of days",
		"patch": {"retention_days": {"value": true}},
		"want": {"retention-insufficient": {1}},
	},
	{"note": "R46 no retention", "patch": {"retention_days": {"state": "missing"}}, "want": {"retention-missing": {1}}},
	{"note": "R46 retention expired", "patch": {"retention_days": {"state": "expired"}}, "want": {"retention-expired": {1}}},
	{"note": "R46 too long", "patch": {"retention_days": {"value": 91}}, "want": {"retention-insufficient": {1}}},
	{"note": "R44 training unknown", "patch": {"trains_on_data": {"state": "missing"}}, "want": {"trains-on-data-missing": {0}}},
	{"note": "training expired", "patch": {"trains_on_data": {"state": "expired"}}, "want": {"trains-on-data-expired": {0}}},
	{"note": "R45 it trains", "patch": {"trains_on_data": {"value": true}}, "want": {"trains-on-data-insufficient": {0}}},
]

test_rulings[case.note] if {
	some case in _cases
	found := vendor_assurance.rulings with input as object.union(_question, {"vendor": {"claims": case.patch}})
	{id: hits | some id, hits in found; count(hits) > 0} == case.want
}

test_first_parties_claim_nothing if {
	found := vendor_assurance.rulings with input as {"vendor": {"party": "first"}, "profiles": _question.profiles}
	{hit | some hits in found; some hit in hits} == set()
}

test_nothing_stated_counts_as_missing if {
	found := vendor_assurance.rulings with input as {"vendor": {}, "profiles": _question.profiles}
	{id | some id, hits in found; count(hits) > 0} == {
		"dpa-missing", "breach-notice-missing", "retention-missing", "trains-on-data-missing",
	}
}
