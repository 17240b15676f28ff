package config

import _ "embed"

// Reference, ReferenceProfile and ReferenceCatalog are the annotated files that show every key.
var (
	//go:embed rollcall.yaml
	Reference string
	//go:embed profile.yaml
	ReferenceProfile string
	//go:embed catalog.yaml
	ReferenceCatalog string
)
