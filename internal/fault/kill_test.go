package fault_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"rollcall/internal/proof"
	"rollcall/internal/shore"
)

// morning is when the tests believe to be: the nights come after it.
var morning = time.Now().UTC().Truncate(time.Second)

// twoNights is a site on which night A was applied, and night B waits.
func twoNights(t testing.TB, rollcall, engine, mail string, people int) *site {
	t.Helper()
	s := found(t, engine, mail)
	s.drop("a", nightA(people), morning.Add(-2*time.Hour))
	s.must(rollcall, morning.Add(-time.Hour), []int{0}, "run", "hr")
	s.drop("b", nightB(people, morning), morning.Add(-30*time.Minute))
	return s
}

// TestP1P2ARunThatIsKilledAtAnyMomentHappensOnceOrNotAtAll kills -9 the program as
// it is released, again and again, and starts it again as a service would.
func TestP1P2ARunThatIsKilledAtAnyMomentHappensOnceOrNotAtAll(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			people, cycles := proof.Long(5000, 20000), proof.Long(6, 200)
			seed := seed(t)
			rollcall := program(t, release)
			box := shore.SMTP(t)
			before := twoNights(t, rollcall, engine, box.Addr, people)
			stateA := before.dump()

			whole := before.copied(t)
			began := time.Now()
			whole.must(rollcall, morning, []int{10}, "run", "hr")
			length := time.Since(began)
			stateB := whole.dump()
			if wrong := whole.atRest(); stateA == stateB || len(wrong.all()) > 0 {
				t.Fatalf("a run that nobody kills: %q", wrong.all())
			}
			whole.discard()

			random := rand.New(rand.NewPCG(seed, 1))
			var came, lost, doubled int
			for n := range cycles {
				s := before.copied(t)
				after := time.Duration(random.Int64N(int64(length) * 11 / 10))
				ended := s.kill(rollcall, after)
				_, f := s.journal()
				there := s.dump()
				if there != stateA && there != stateB {
					f.lost = append(f.lost, "the accounts are neither as before the run nor as after it")
				}
				if there == stateB {
					came++
				}
				code, said := s.restart(rollcall, morning.Add(2*time.Hour), "run", "hr")
				if !slices.Contains([]int{0, 10}, code) {
					f.other = append(f.other, fmt.Sprintf("started again it exits with %d: %s", code, said))
				}
				if s.dump() != stateB {
					f.lost = append(f.lost, "started again it does not come to where it would have come to")
				}
				rest := s.atRest()
				f.lost, f.doubled, f.other = append(f.lost, rest.lost...), append(f.doubled, rest.doubled...), append(f.other, rest.other...)
				if all := f.all(); len(all) > 0 {
					t.Errorf("seed %d, cycle %d, killed after %s of %s (ended by itself: %v): %q", seed, n, after, length, ended, all)
				}
				lost, doubled = lost+len(f.lost), doubled+len(f.doubled)
				s.discard()
				if n%25 == 24 {
					t.Logf("%d cycles so far", n+1)
				}
			}
			t.Logf("%d cycles of a run of %s; %d were killed after the commit", cycles, length.Round(time.Millisecond), came)
			proof.Note(t, "kill -9 of a run, "+engine, proof.Count{What: "cycles", N: cycles}, proof.Count{What: "lost", N: lost}, proof.Count{What: "doubled", N: doubled})
		})
	}
}

// kill starts a run and ends it by force after a while; ended tells that it had
// ended by itself before.
func (s *site) kill(rollcall string, after time.Duration) (ended bool) {
	s.t.Helper()
	cmd := s.command(rollcall, morning, nil, "run", "hr")
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill() // an error means that it has ended
	_ = cmd.Wait()         // it was killed
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && !status.Signaled()
}

// seed is fixed in the short form, so that a machine that tests every change is
// not surprised; ROLLCALL_SEED repeats a long one.
func seed(t testing.TB) uint64 {
	t.Helper()
	if n, err := strconv.ParseUint(os.Getenv("ROLLCALL_SEED"), 10, 64); err == nil {
		return n
	}
	if proof.Long(0, 1) == 0 {
		return 1
	}
	n := uint64(time.Now().UnixNano())
	t.Logf("ROLLCALL_SEED=%d repeats it", n)
	return n
}
