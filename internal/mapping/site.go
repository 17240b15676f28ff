package mapping

import (
	"fmt"
	"strings"

	"rollcall/internal/roster"
)

// site allows the sites of the catalog, where it lists any, and of a profile with a
// site that one and those below it (R44). A profile's site that the catalog lacks
// refuses the drop (E207).
func (o Options) site() (form, error) {
	known := o.sites()
	if known == nil && o.Site == "" {
		return nil, nil
	}
	if known != nil && o.Site != "" && !known[o.Site] {
		return nil, &roster.Refusal{
			Code: "E207", Text: fmt.Sprintf("the catalog has no site %q, which is the profile's (site:)", cut(o.Site, 60)),
			Fix: "correct site: in the profile, or add the site to the catalog",
		}
	}
	unknown := &flaw{code: "E207"}
	other := &flaw{code: "E207", text: "a site that is neither the profile's nor below it", fix: "correct it in HR, or take site: out of the profile"}
	return func(s string) (string, *flaw) {
		switch {
		case known != nil && !known[s]:
			return "", unknown
		case o.Site != "" && s != o.Site && !strings.HasPrefix(s, o.Site+"/"):
			return "", other
		}
		return s, nil
	}, nil
}

// sites are the sites of the catalog, by path, and all those above them, which need
// not be listed; nil where it lists none.
func (o Options) sites() map[string]bool {
	if !o.Catalog.Lists(roster.SiteKind) {
		return nil
	}
	known := map[string]bool{}
	for i := range o.Catalog.Items {
		if o.Catalog.Items[i].Kind != roster.SiteKind {
			continue
		}
		for path := o.Catalog.Items[i].Name; path != "" && !known[path]; {
			known[path] = true
			path = path[:max(0, strings.LastIndexByte(path, '/'))]
		}
	}
	return known
}

// siteFault is what is wrong with a profile's site by itself; "" where nothing is.
func siteFault(site string) string {
	for _, part := range strings.Split(site, "/") {
		if part == "" || strings.TrimSpace(part) != part {
			return "write it like Canada/Ontario, without blanks around the slashes"
		}
	}
	return ""
}

// ValidateSite tells what is wrong with a profile's site (profile key site:).
func (o Options) ValidateSite() *roster.Fault {
	if o.Site == "" {
		return nil
	}
	if hint := siteFault(o.Site); hint != "" {
		return &roster.Fault{Path: "site", Text: "is not a site", Hint: hint}
	}
	if c := o.Map[roster.Site.String()]; c.Blank == "clear" || c.OnInvalid == "blank" {
		return &roster.Fault{Path: "map.site", Text: "an account whose site is emptied would be out of the profile's sight", Hint: "leave blank: and on_invalid: out, or take site: out of the profile"}
	}
	return nil
}
