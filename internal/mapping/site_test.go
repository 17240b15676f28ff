package mapping

import (
	"errors"
	"testing"

	"rollcall/internal/roster"
)

func TestR44ARecordNamesASiteOfTheProfilesTree(t *testing.T) {
	listed := roster.NewCatalog([]roster.Item{{Kind: roster.SiteKind, Name: "Canada/Ontario/Ottawa"}, {Kind: roster.SiteKind, Name: "Poland"}}, nil, nil)
	for _, tt := range []struct {
		catalog             *roster.Catalog
		site, says          string
		want, wantsProblems string
	}{
		{nil, "", "Anywhere", "Anywhere", ""},
		{nil, "Canada", "Canada/Quebec", "Canada/Quebec", ""},
		{nil, "Canada", "Canada", "Canada", ""},
		{nil, "Canada", "Canadaland", "", "E207 warning site site"},
		{listed, "", "Canada/Ontario", "Canada/Ontario", ""}, // those above a site need not be listed
		{listed, "", "Canada/Quebec", "", "E207 warning site site"},
		{listed, "Canada", "Poland", "", "E207 warning site site"},
		{listed, "Canada", "", "", ""},
	} {
		e := one(t, Options{Catalog: tt.catalog, Site: tt.site}, "employee_id;site", "1;"+tt.says)
		if e.Values[roster.Site] != tt.want || codes(e.Problems) != tt.wantsProblems {
			t.Errorf("%+v: site %q, problems %q", tt, e.Values[roster.Site], codes(e.Problems))
		}
	}
	_, _, err := Compile(Options{Catalog: listed, Site: "Canada/Quebec"}, []string{"employee_id"})
	var refused *roster.Refusal
	if !errors.As(err, &refused) || refused.Code != "E207" {
		t.Errorf("a profile's site that the catalog lacks: %v, want E207", err)
	}
}

func TestWhatIsWrongWithAProfilesSite(t *testing.T) {
	for _, o := range []Options{
		{Site: "/Canada"},
		{Site: "Canada//Ontario"},
		{Site: "Canada / Ontario"},
		{Site: "Canada", Map: map[string]Column{"site": {From: "Site", Blank: "clear"}}},
	} {
		if o.ValidateSite() == nil {
			t.Errorf("%q, %v: no fault", o.Site, o.Map)
		}
	}
	for _, o := range []Options{{}, {Site: "Canada/Ontario"}} {
		if f := o.ValidateSite(); f != nil {
			t.Errorf("%q: %v", o.Site, f)
		}
	}
}
