package run

import (
	"context"
	"testing"
	"time"
)

// TestTheSchedulerPlansWhatIsShown asks gocron itself for the runs of a year and
// more, in which the clocks change twice.
func TestTheSchedulerPlansWhatIsShown(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDaemon(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Stop() })
	s := Schedule{Cron: "30 2 * * *"}
	if err := d.add("hr", s, berlin, func(context.Context, *Runner) {}); err != nil {
		t.Fatal(err)
	}
	d.Start()
	planned, err := d.cron.Jobs()[0].NextRuns(400)
	if err != nil || len(planned) != 400 {
		t.Fatalf("%d runs are planned: %v", len(planned), err)
	}
	want := time.Now()
	for i, got := range planned {
		want = s.Next(want, berlin)
		if !got.Equal(want) {
			t.Fatalf("run %d is planned for %s, want %s", i+1, got.In(berlin), want)
		}
		if before := want.AddDate(0, 0, -1); i > 0 && planned[i-1].In(berlin).YearDay() != before.YearDay() {
			t.Fatalf("run %d is on %s, the one before on %s", i+1, got.In(berlin), planned[i-1].In(berlin))
		}
	}
}
