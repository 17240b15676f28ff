package run

import (
	"context"
	"io"

	"rollcall/internal/journal"
	"rollcall/internal/report"
)

// page writes reports/RUN.html. p is nil where the run has no profile, or nobody
// has it at hand: its times are then in UTC.
func (r *Runner) page(ctx context.Context, w io.Writer, p *Profile, run *journal.Run, doc *report.Doc) error {
	o := report.PageOptions{Version: r.Version, Host: hostname()}
	var err error
	if o.Beside, err = r.Beside(ctx, p, run); err != nil {
		return err
	}
	if p != nil {
		o.Zone, o.Owner = p.Zone, p.Owner
	}
	return report.HTML(w, doc, r.Changes(ctx, run.Number), o)
}
