package egress.rules.guardrails_test

import rego.v2

import data.egress.rules.guardrails

# A question that no guardrail objects to; each case says what it changes.
_question := {
	"identity": {"known": true, "type": "service", "roles": ["dashboard_telemetry"]},
	"vendor": {
		"id": "mixpanel", "known": true, "party": "third", "categories": ["analytics"], "state": "active",
		"claims": {"dpa": {"state": "valid", "value": true}},
	},
	"environment": {"id": "production", "known": true},
	"purpose": {
		"id": "analytics.reporting", "stated": true, "known": true, "allowed": true,
		"ancestors": {"analytics": true, "analytics.reporting": true},
	},
	"event": {"kind": "raw_event", "known": true},
	"profiles": [
		{
			"category": "user.location.imprecise.region", "known": true, "sensitivity": "internal", "identifiability": "none",
			"ancestors": {"user": true, "user.location": true, "user.location.imprecise": true},
		},
		{
			"category": "user.contact.email", "known": true, "sensitivity": "confidential", "identifiability": "direct",
			"ancestors": {"user": true, "user.contact": true, "user.contact.email": true},
		},
	],
}

_profile(category, ancestors) := {
	"category": category, "known": true, "sensitivity": "confidential", "identifiability": "quasi",
	"ancestors": {ancestor: true | some ancestor in ancestors},
}

_cases := [
	{"note": "nothing to object to", "patch": {}, "want": {}},
	{"note": "unknown identity", "patch": {"identity": {"known": false}}, "want": {"unknown-identity": {"*"}}},
	{"note": "unknown vendor", "patch": {"vendor": {"known": false}}, "want": {"unknown-vendor": {"*"}}},
	{"note": "unknown event", "patch": {"event": {"known": false}}, "want": {"unknown-event": {"*"}}},
	{
		"note": "unknown field",
		"patch": {"profiles": [{"known": false, "sensitivity": "restricted", "identifiability": "direct", "ancestors": {}}]},
		"want": {"unknown-field": {0}},
	},
	{"note": "unknown environment", "patch": {"environment": {"known": false}}, "want": {"unknown-environment": {"*"}}},
	{
		"note": "no purpose",
		"patch": {"purpose": {"stated": false, "known": false, "allowed": false}},
		"want": {"purpose-missing": {"*"}},
	},
	{
		"note": "unknown purpose",
		"patch": {"purpose": {"known": false, "allowed": false}},
		"want": {"unknown-purpose": {"*"}},
	},
	{"note": "R78 J6 another purpose", "patch": {"purpose": {"allowed": false}}, "want": {"purpose-not-allowed": {"*"}}},
	{"note": "R54 J17 breached", "patch": {"vendor": {"state": "breached"}}, "want": {"vendor-breached": {"*"}}},
	{"note": "terminated", "patch": {"vendor": {"state": "terminated"}}, "want": {"vendor-terminated": {"*"}}},
	{"note": "a state nobody knows", "patch": {"vendor": {"state": "?"}}, "want": {"vendor-terminated": {"*"}}},
	{"note": "J17 under review", "patch": {"vendor": {"state": "under_review"}}, "want": {"vendor-under-review": {"*"}}},
	{"note": "R74 http", "patch": {"destination": {"secure": false}}, "want": {"insecure-transport": {"*"}}},
	{"note": "R74 https", "patch": {"destination": {"secure": true}}, "want": {}},
	{
		"note": "R10 tenant ids",
		"patch": {"profiles": [_profile("system.tenant.org_id", ["system", "system.tenant", "system.tenant.org_id"])]},
		"want": {"tenant-ids-stay-home": {0}},
	},
	{
		"note": "R10 tenant ids to a first party",
		"patch": {
			"vendor": {"party": "first"},
			"profiles": [_profile("system.tenant.org_id", ["system", "system.tenant", "system.tenant.org_id"])],
		},
		"want": {},
	},
	{
		"note": "R21 project code without a support purpose",
		"patch": {"profiles": [_profile("system.tenant.project_code", ["system.tenant.project_code"])]},
		"want": {"project-codes-need-contract": {0}},
	},
	{
		"note": "R21 project code for support, contracted",
		"patch": {
			"purpose": {"ancestors": {"essential.service.operations.support": true}},
			"profiles": [_profile("system.tenant.project_code", ["system.tenant.project_code"])],
		},
		"want": {},
	},
	{
		"note": "R21 project code for support, no contract",
		"patch": {
			"purpose": {"ancestors": {"essential.service.operations.support": true}},
			"vendor": {"claims": {"dpa": {"state": "expired"}}},
			"profiles": [_profile("system.tenant.project_code", ["system.tenant.project_code"])],
		},
		"want": {"project-codes-need-contract": {0}},
	},
	{
		"note": "credentials",
		"patch": {"profiles": [_profile("user.authorization.credentials", ["user.authorization"])]},
		"want": {"credentials-never-leave": {0}},
	},
	{
		"note": "R55 restricted",
		"patch": {"profiles": [object.union(_profile("user.content.private", ["user.content"]), {"sensitivity": "restricted"})]},
		"want": {"restricted-first-party-only": {0}},
	},
	{
		"note": "R55 a sensitivity nobody knows counts as restricted",
		"patch": {"profiles": [{"category": "x", "known": true, "identifiability": "none", "ancestors": {}}]},
		"want": {"restricted-first-party-only": {0}},
	},
]

test_rulings[case.note] if {
	some case in _cases
	found := guardrails.rulings with input as object.union(_question, case.patch)
	{id: hits | some id, hits in found; count(hits) > 0} == case.want
}
