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
	_, last, err := r.Doc(ctx, run)
	if err != nil {
		return err
	}
	o.Last = last
	if p != nil {
		o.Zone, o.Owner = p.Zone, p.Owner
	}
	return report.HTML(w, doc, r.Store.Changes(ctx, run.Number), o)
}
