package mapping

import (
	"strings"
	"testing"

	"rollcall/internal/roster"
)

func TestWhatAPersonTypesIsBroughtIntoTheFormThatADropWouldGiveItR20R22R23R24R25R30(t *testing.T) {
	for _, tt := range []struct {
		field     roster.Field
		text      string
		want, bad string
	}{
		{roster.Country, " de ", "DE", ""},
		{roster.Country, "UK", "", "E133: country: not a country of ISO 3166-1; did you mean GB?"},
		{roster.Username, "Éva.Nagy!", "va.nagy", ""},
		{roster.Username, "!!", "", "E134"},
		{roster.Email, "ada@", "", "E131"},
		{roster.ExpiresOn, "2026-12-31", "2026-12-31", ""},
		{roster.ExpiresOn, "9999-12-31", "", ""},
		{roster.ExpiresOn, "31.12.2026", "", "E112"},
		{roster.LastLoginAt, "2026-12-31T10:00:00+01:00", "2026-12-31T09:00:00Z", ""},
		{roster.Auth, "LDAP", "", "E122"},
		{roster.Language, "en_us", "en-US", ""},
		{roster.EmployeeID, "00\u200b7", "", "E104"},
		{roster.City, "Ulm\x07", "", "E104"},
		{roster.Phone1, strings.Repeat("1", 31), "", "E118"},
		{roster.City, " ", "", ""},
	} {
		got, err := Options{}.Typed(tt.field, tt.text)
		if got != tt.want || (err == nil) != (tt.bad == "") || err != nil && !strings.Contains(err.Error(), tt.bad) {
			t.Errorf("%s %q: %q, %v; want %q, %q", tt.field, tt.text, got, err, tt.want, tt.bad)
		}
		if err != nil && len(tt.text) > 4 && strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: the error tells the value: %v", tt.field, err)
		}
	}
}
