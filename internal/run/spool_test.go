package run_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/run"
)

// onBegun does something to the state folder once a run has begun.
type onBegun struct {
	slog.Handler
	do func()
}

func (h onBegun) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "run began" {
		h.do()
	}
	return h.Handler.Handle(ctx, r)
}

func TestP11ASpoolThatIsTakenAwayUnderARunIsToldWithWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(spool string)
	}{
		{"removed", func(spool string) { _ = os.RemoveAll(spool) }},
		{"replaced by a file", func(spool string) { _ = os.RemoveAll(spool); _ = os.WriteFile(spool, nil, 0o600) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, "sqlite")
			s.Log = slog.New(onBegun{s.Log.Handler(), func() { tt.do(filepath.Join(s.State, "spool")) }})
			p := s.feed("hr")
			s.drop(p, people(5)...)
			j, err := s.Run(t.Context(), run.Request{Profile: p, Trigger: "manual"})
			if err == nil || j == nil || j.Status != journal.Failed || j.ExitCode != 1 || j.AppliedSeq != 0 {
				t.Fatalf("run: %v, %+v", err, j)
			}
			for _, said := range []string{err.Error(), j.Error} {
				if !strings.Contains(said, "run again") && !strings.Contains(said, "move it away") {
					t.Errorf("it says %q, and not what to do", said)
				}
			}
			if d := s.dump(); d != "" {
				t.Errorf("accounts:\n%s", d)
			}
		})
	}
}
