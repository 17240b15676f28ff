package mapping

import "testing"

func TestR23Dates(t *testing.T) {
	const wrong = "E112"
	tests := []struct{ layout, text, want string }{
		{"", "2026-11-30", "2026-11-30"},
		{"", "2028-02-29", "2028-02-29"},
		{"", "2026-02-29", wrong},
		{"", "2026-02-30", wrong},
		{"", "2026-13-01", wrong},
		{"", "2026-00-10", wrong},
		{"", "26-11-30", wrong},
		{"", "2026-1-3", wrong},
		{"", "03/04/2026", wrong}, // ambiguous without a layout
		{"", "30.11.2026", wrong},
		{"", "2026-11-30x", wrong},
		{"", "1066-10-14", wrong},
		{"", "0", wrong},
		{"", "soon", wrong},
		{"", "2026-11-30T08:00:00Z", "2026-11-30T08:00:00Z"},
		{"", "2026-11-30T08:00:00+01:00", "2026-11-30T08:00:00+01:00"},
		{"", "2026-11-30T08:00:00.5+01:00", "2026-11-30T08:00:00+01:00"},
		{"", "2026-11-30T08:00:00", wrong},
		{"", "2026-11-30T25:00:00Z", wrong},
		{"", "0000-00-00", ""},
		{"", "0000-00-00 00:00:00", ""},
		{"", "9999-12-31", ""},
		{"", "12/31/4712", ""},
		{"", "9223372036854775807", ""},
		{"", "9999-12-31T23:59:59Z", ""},
		{"DD.MM.YYYY", "30.11.2026", "2026-11-30"},
		{"DD.MM.YYYY", "1.2.2026", wrong},
		{"DD.MM.YYYY", "31.02.2026", wrong},
		{"DD.MM.YYYY", "2026-11-30", wrong},
		{"DD.MM.YYYY", "00.00.0000", ""},
		{"DD.MM.YYYY", "31.12.9999", ""},
		{"DD.MM.YYYY", "31.12.4712", ""},
		{"DD/MM/YYYY", "03/04/2026", "2026-04-03"},
		{"DD/MM/YYYY", "11/30/2026", wrong},
		{"MM/DD/YYYY", "03/04/2026", "2026-03-04"},
		{"YYYYMMDD", "20261130", "2026-11-30"},
		{"YYYYMMDD", "00000000", ""},
		{"YYYYMMDD", "2026113", wrong},
		{"D.M.YYYY", "1.2.2026", "2026-02-01"},
		{"D.M.YYYY", "01.12.2026", "2026-12-01"},
		{"D.M.YYYY", "001.2.2026", wrong},
		{"DD.MM.YYYY HH:mm", "30.11.2026 08:15", "2026-11-30T08:15:00+01:00"},
		{"YYYY-MM-DD HH:mm:ss", "2026-07-01 08:15:30", "2026-07-01T08:15:30+02:00"},
		{"YYYY-MM-DD[ HH:mm:ss]", "2026-07-01 08:15:30", "2026-07-01T08:15:30+02:00"}, // what is in brackets may be missing
		{"YYYY-MM-DD[ HH:mm:ss]", "2026-07-01", "2026-07-01"},
		{"YYYY-MM-DD[ HH:mm:ss]", "2026-07-01 08", wrong},
		{"YYYY-MM-DD HH:mm:ss", "2026-03-29 02:30:00", wrong}, // there was no such hour
		{"YYYY-MM-DD HH:mm:ss", "2026-10-25 02:30:00", wrong}, // there were two
		{"YYYY-MM-DD HH:mm:ss", "2026-10-25 01:59:59", "2026-10-25T01:59:59+02:00"},
		{"YYYY-MM-DD HH:mm:ss", "2026-10-25 03:00:00", "2026-10-25T03:00:00+01:00"},
		{"YYYY-MM-DD HH:mm:ss", "2026-11-30 24:00:00", wrong},
		{"YYYY-MM-DD HH:mm:ss", "2026-11-30", wrong},
		{"unix", "1796000400", "2026-11-30T01:00:00Z"},
		{"unix", "0", ""},
		{"unix", "1796000400000", wrong},
		{"unix", "1796000400.5", wrong},
		{"unix", "99999999999999999999", wrong},
		{"filetime", "0", ""},
		{"filetime", "9223372036854775807", ""},
		{"filetime", "134404740000000000", "2026-11-30T01:00:00Z"},
		{"filetime", "9223372036854775806", wrong},
		{"filetime", "-1", wrong},
		{"filetime", "100", wrong},
		{"generalized", "20261121222835.0Z", "2026-11-21T22:28:35Z"},
		{"generalized", "20261121223307Z", "2026-11-21T22:33:07Z"},
		{"generalized", "202611212233Z", "2026-11-21T22:33:00Z"},
		{"generalized", "2026112122Z", "2026-11-21T22:00:00Z"},
		{"generalized", "2026112122,5Z", "2026-11-21T22:30:00Z"},
		{"generalized", "20261121223307+0100", "2026-11-21T22:33:07+01:00"},
		{"generalized", "20261121223307-05", "2026-11-21T22:33:07-05:00"},
		{"generalized", "16010101000000.0Z", ""},
		{"generalized", "99991231235959Z", ""},
		{"generalized", "20261121223307", wrong}, // whose clock?
		{"generalized", "20260230223307Z", wrong},
		{"generalized", "20261121223307.Z", wrong},
	}
	zone := warsaw(t)
	for _, tt := range tests {
		t.Run(tt.layout+" "+tt.text, func(t *testing.T) {
			o := Options{Zone: zone, Map: map[string]Column{"employee_id": {From: "No"}, "expires_on": {From: "End", Date: tt.layout}}}
			e := one(t, o, "No;End", "17;"+tt.text)
			if tt.want == wrong {
				same(t, "problems", codes(e.Problems), "E112 warning expires_on End")
				same(t, "said", said(e), "employee_id=17")
				return
			}
			same(t, "problems", codes(e.Problems), "")
			same(t, "said", said(e), "employee_id=17 expires_on="+tt.want)
		})
	}
}

func TestR23TheProblemSaysHowDatesAreWritten(t *testing.T) {
	o := Options{Map: map[string]Column{"employee_id": {From: "No"}, "expires_on": {From: "End", Date: "DD.MM.YYYY"}}}
	e := one(t, o, "No;End", "17;2026-11-30")
	same(t, "text", e.Problems[0].Text, "not a date written as DD.MM.YYYY")
}

func TestR23ALastLoginIsAnInstantInUTC(t *testing.T) {
	for _, tt := range []struct{ layout, text, want string }{
		{"", "2026-07-01T08:00:00+02:00", "2026-07-01T06:00:00Z"},
		{"", "2026-07-01", "2026-06-30T22:00:00Z"},
		{"DD.MM.YYYY HH:mm", "01.07.2026 08:00", "2026-07-01T06:00:00Z"},
		{"generalized", "20260701080000+0200", "2026-07-01T06:00:00Z"},
		{"unix", "0", ""},
	} {
		o := Options{Zone: warsaw(t), Map: map[string]Column{"employee_id": {From: "No"}, "last_login_at": {From: "Login", Date: tt.layout}}}
		same(t, tt.text, said(one(t, o, "No;Login", "17;"+tt.text)), "employee_id=17 last_login_at="+tt.want)
	}
}

func TestR23ALayoutThatCannotBeReadIsAFault(t *testing.T) {
	for layout, hint := range map[string]string{
		"dd.mm.yyyy": `did you mean "DD.MM.YYYY"?`,
		"DD.MM.YY":   "", "DD.MM": "", "YYYY": "", "DMYYYY": "", "YYYY-MM-DD HH": "", "YYYY-MM-DD mm:ss": "", "DD MMM YYYY": "", "%Y-%m-%d": "",
		"YYYY-MM-DD DD": "", "YYYY-MM-DD HH:mm:ss.SSS": "", "2006-01-02": "",
	} {
		faults := Options{Map: with(map[string]Column{"expires_on": {From: "End", Date: layout}})}.Validate()
		if len(faults) != 1 || faults[0].Path != "expires_on.date" {
			t.Errorf("%s: faults = %v, want one at expires_on.date", layout, faults)
			continue
		}
		if hint != "" {
			same(t, "hint for "+layout, faults[0].Hint, hint)
		}
	}
}
