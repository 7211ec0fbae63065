module sluice.invalid/tools/regal

go 1.26

require github.com/open-policy-agent/regal v0.41.1
