package store

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/shore"
)

// A wire lies between a client and a server, and cuts itself at a commit when
// it is told to: the first one, before or after the server has heard of it.
type wire struct {
	net.Listener
	server   string
	cut      atomic.Int32
	carriers sync.WaitGroup
}

const (
	notAtAll = iota
	beforeCommit
	afterCommit
)

func newWire(t *testing.T, server string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, server: server}
	w.carriers.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			w.carriers.Go(func() { w.carry(t, client) })
		}
	})
	t.Cleanup(func() { l.Close(); w.carriers.Wait() })
	return w
}

func (w *wire) carry(t *testing.T, client net.Conn) {
	server, err := net.Dial("tcp", w.server)
	if err != nil {
		t.Error(err)
		client.Close()
		return
	}
	var mute atomic.Bool
	w.carriers.Go(func() {
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if mute.Load() || err != nil {
				return // the answer to the commit is lost with the connection
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	})
	defer server.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if bytes.Contains(buf[:n], []byte("commit")) {
			if w.cut.CompareAndSwap(beforeCommit, notAtAll) {
				client.Close()
				return
			}
			if w.cut.CompareAndSwap(afterCommit, notAtAll) {
				mute.Store(true)
			}
		}
		if _, err := io.Copy(server, bytes.NewReader(buf[:n])); err != nil {
			return
		}
	}
}

func TestP3AfterALostCommitTheDatabaseIsAsked(t *testing.T) {
	dsn := shore.Postgres(t)
	at := strings.TrimPrefix(dsn, "postgres://postgres@")
	at, _, _ = strings.Cut(at, "/")
	w := newWire(t, at)
	db := openAt(t, strings.Replace(dsn, at, w.Addr().String(), 1), newClock().now)
	s := story{t, db}
	cutAt := func(r *journal.Run, when int32) Order {
		o := order(r)
		finish := o.Finish
		o.Finish = func(a Applied) ([]notify.Message, error) {
			w.cut.Store(when)
			return finish(a)
		}
		return o
	}

	r := s.plan("hr", add("hr", "ada"))
	a, err := db.Apply(t.Context(), cutAt(r, afterCommit))
	if err != nil || a.Seq != 1 {
		t.Errorf("the server has committed: got %+v, %v, want seq 1", a, err)
	}
	s.named("ada")

	r = s.plan("hr", add("hr", "bob"))
	_, err = db.Apply(t.Context(), cutAt(r, beforeCommit))
	if err == nil || !strings.Contains(err.Error(), "nothing was applied") {
		t.Errorf("the server has not committed: got %v, want that nothing was applied", err)
	}
	s.apply(r)
	s.named("bob")
}

func TestP3AnAppliedRunStaysApplied(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		r := s.plan("hr", add("hr", "ada"))
		lost := *r // of somebody who never heard that it was applied
		s.apply(r)
		lost.Status = journal.Failed
		if err := db.Finish(t.Context(), &lost); err == nil {
			t.Error("an applied run was called failed")
		}
		if got, err := db.Run(t.Context(), r.Number); err != nil || got.Status != journal.OK || got.AppliedSeq != 1 {
			t.Errorf("got %+v, %v, want it applied", got, err)
		}

		r = s.plan("hr", add("hr", "bob"))
		o := order(r)
		finish := o.Finish
		o.Finish = func(a Applied) ([]notify.Message, error) {
			_, _ = finish(a)
			return nil, errors.New("the last step")
		}
		if _, err := db.Apply(t.Context(), o); err == nil || r.AppliedSeq != 0 || r.Status != journal.Running {
			t.Errorf("got seq %d, status %s, %v, want the run as it was before", r.AppliedSeq, r.Status, err)
		}
	})
}

func TestP3WhereTheDatabaseStaysAwayNobodyClaimsToKnow(t *testing.T) {
	server := shore.PostgresServer(t)
	db := openAt(t, server.DSN, newClock().now)
	s := story{t, db}
	o := order(s.plan("hr", add("hr", "ada")))
	o.Finish = func(Applied) ([]notify.Message, error) {
		server.Stop(t)
		return nil, nil
	}
	if _, err := db.Apply(t.Context(), o); !errors.Is(err, ErrDown) {
		t.Errorf("got %v, want ErrDown", err)
	}
	server.Start(t)
	s.apply(o.Run) // it was not
}
