//go:build tools

// Package tools pins the linter of the rules; go.sum stands in for a release's hash.
package tools

import _ "github.com/open-policy-agent/regal"
