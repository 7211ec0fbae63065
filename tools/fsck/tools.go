//go:build tools

// Package tools pins an independent checker of tlog-tiles; go.sum stands in for a release's hash.
package tools

import _ "github.com/transparency-dev/tessera/cmd/fsck"
