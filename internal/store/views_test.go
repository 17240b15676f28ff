package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/roster"
	"rollcall/internal/shore"
)

// view is how applications call a view.
func view(db *DB, name string) string {
	if db.engine.name() == "postgres" {
		return "directory." + name
	}
	return name
}

// read gives the rows of a query as text.
func (s story) read(query string) (list []string) {
	s.Helper()
	if err := s.db.gorm.Raw(query).Scan(&list).Error; err != nil {
		s.Fatal(err)
	}
	return list
}

func TestTheViewOfAccountsHasWhatWasPromisedAndNoPassword(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.people("hr", "ada", "bob")
		s.apply(s.plan("hr", remove(p[1], noon)))
		rows, err := db.gorm.Raw("SELECT * FROM " + view(db, "accounts")).Rows()
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		rows.Close()
		for _, f := range append(roster.FeedFields(), roster.StatusField, roster.StatusReason, roster.StatusBy, roster.FallbackOwner, roster.DeletedAt) {
			if !slices.Contains(columns, f.String()) {
				t.Errorf("%s is missing", f)
			}
		}
		for _, name := range []string{"id", "version", "password_set", "must_change_password", "created_at", "updated_at"} {
			if !slices.Contains(columns, name) {
				t.Errorf("%s is missing", name)
			}
		}
		if slices.ContainsFunc(columns, func(c string) bool { return strings.Contains(c, "hash") || c == "password" }) {
			t.Errorf("got %v, want no password", columns)
		}
		var at []string
		for _, column := range []string{"created_at", "deleted_at"} {
			query := "SELECT coalesce(" + column + ", 'none') FROM " + view(db, "accounts") + " ORDER BY id"
			if db.engine.name() == "postgres" {
				query = "SELECT coalesce(to_char(" + column + `, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'none') FROM directory.accounts ORDER BY id`
			}
			at = append(at, s.read(query)...)
		}
		now := roster.Stamp(noon)
		if want := []string{now, now, "none", now}; !slices.Equal(at, want) {
			t.Errorf("got %v, want %v", at, want)
		}
	})
}

func TestTheViewOfNamesTellsPresentAndFormerOnes(t *testing.T) {
	bothAt(t, func(t *testing.T, db *DB, c *clock) {
		s := story{t, db}
		p := s.people("hr", "ada", "bob")
		c.advance(time.Hour)
		s.apply(s.plan("hr", rename(p[0], "eve")))
		c.advance(time.Hour)
		s.apply(s.plan("hr", rename(s.get(p[0].ID), "eva"), remove(p[1], db.now())))
		hour := "(CAST(strftime('%%s', %[1]s) - strftime('%%s', '2026-09-01T12:00:00Z') AS integer) / 3600)"
		if db.engine.name() == "postgres" {
			hour = "(CAST(extract(epoch FROM %[1]s - timestamptz '2026-09-01T12:00:00Z') AS integer) / 3600)"
		}
		got := s.read("SELECT kind || ' ' || name || ' ' || " + fmt.Sprintf(hour, "valid_from") + " || '-' || coalesce(CAST(" + fmt.Sprintf(hour, "valid_until") +
			" AS text), '') FROM " + view(db, "account_names") + " ORDER BY account, kind, valid_from")
		want := []string{
			"email ada@example.org 0-", "username ada 0-1", "username eve 1-2", "username eva 2-",
			"email bob@example.org 0-2", "username bob 0-2",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestR105ClaimsAndWhatWasLeftOutAreNotInTheFeed(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.people("hr", "ada", "bob")
		r := s.plan("hr", suspend(p[0], noon), rename(p[1], "eve"))
		o := order(r)
		o.ExceptRemovals = true
		if _, err := db.Apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		got := s.read("SELECT applied_seq || ' ' || account || ' ' || action FROM " + view(db, "account_changes"))
		if want := []string{"1 1 add", "1 2 add", "2 2 rename"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestListenersHearOfEachApply(t *testing.T) {
	db := openAt(t, shore.Postgres(t), newClock().now)
	conn, err := pgx.ConnectConfig(t.Context(), db.engine.(server).config.Copy())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "LISTEN rollcall_accounts"); err != nil {
		t.Fatal(err)
	}
	story{t, db}.people("hr", "ada")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if n, err := conn.WaitForNotification(ctx); err != nil || n.Payload != "1" {
		t.Errorf("got %v, %v, want the number of the apply", n, err)
	}
}
