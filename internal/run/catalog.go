package run

import (
	"context"

	"rollcall/internal/catalog"
	"rollcall/internal/roster"
)

// Catalog is what the site's file lists and what was imported, as one. Where they
// contradict each other it is a refusal of code C213.
func (r *Runner) Catalog(ctx context.Context, file *roster.Catalog) (*roster.Catalog, error) {
	imported, err := r.Store.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	return catalog.Unite(file, imported)
}

// united is the profile with the whole catalog: its file's, and what was imported.
func (r *Runner) united(ctx context.Context, p *Profile) (*Profile, error) {
	whole, err := r.Catalog(ctx, p.Mapping.Catalog)
	if err != nil || whole == p.Mapping.Catalog {
		return p, err
	}
	q := *p
	q.Mapping.Catalog, q.Plan.Custom = whole, whole.Fields()
	return &q, nil
}
