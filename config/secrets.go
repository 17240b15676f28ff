package config

import (
	"errors"

	"rollcall/internal/roster"
	"rollcall/internal/secret"
)

// A placed is a reference to a secret, and the place in the file that says it.
type placed struct {
	path string
	ref  secret.Ref
	at   Error // without a text
}

// place notes where a file names a secret.
func (d *document) place(to *[]placed, path string, ref secret.Ref) {
	n := d.locate(path, false)
	if ref.IsZero() || n == nil || d.blames(path) {
		return
	}
	at := Error{File: d.file, Line: n.Line, Col: n.Column, Width: d.width(n), Severity: roster.SeverityWarning, Code: codeNoSecret}
	if n.Line > 0 && n.Line <= len(d.lines) && !d.hidden[n.Line] {
		at.Source = d.lines[n.Line-1]
	}
	*to = append(*to, placed{path, ref, at})
}

func (s *Site) placeSecrets(d *document) {
	d.place(&s.secrets, "database_password", s.DatabasePassword)
	d.place(&s.secrets, "mail.password", s.Mail.Password)
}

func (p *Profile) placeSecrets(d *document) {
	d.place(&p.secrets, "source.key", p.Source.Key)
	d.place(&p.secrets, "source.password", p.Source.Password)
	d.place(&p.secrets, "source.bind.password", p.Source.Bind.Password)
	d.place(&p.secrets, "source.bind.key", p.Source.Bind.Key)
}

// Unusable looks for the secrets that rollcall.yaml names, and warns of those
// that this user could not use. None is read.
func (s *Site) Unusable() Errors { return unusable(s.secrets) }

// Unusable is [Site.Unusable] of a profile.
func (p *Profile) Unusable() Errors { return unusable(p.secrets) }

func unusable(secrets []placed) (found Errors) {
	for _, x := range secrets {
		if u, ok := errors.AsType[*secret.Unusable](x.ref.Look()); ok {
			e := x.at
			e.Text, e.Hint = x.path+": "+u.Text, u.Fix
			found = append(found, e)
		}
	}
	return found
}
