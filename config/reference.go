package config

import _ "embed"

// Reference and ReferenceProfile are the annotated files that show every key.
var (
	//go:embed rollcall.yaml
	Reference string
	//go:embed profile.yaml
	ReferenceProfile string
)
