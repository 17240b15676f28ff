package report

import "testing"

func TestProblemsCSVTellsHROnlyWhatHRCanDo(t *testing.T) {
	for fix, want := range map[string]string{
		"correct the word in HR, or translate it with map.status.values": "correct the word in HR",
		"correct it in HR, or allow it with unique_email: off":           "correct it in HR",
		"fill it in HR":                    "fill it in HR",
		"write it with commas, or without": "write it with commas, or without",
	} {
		if got := forHR(fix); got != want {
			t.Errorf("of %q HR is told %q, want %q", fix, got, want)
		}
	}
}
