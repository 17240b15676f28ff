package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/internal/fault"
	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/roster"
)

// Points in time are kept as microseconds since 1970 in UTC, zero for the zero
// time: one number on both databases, with no zone to get wrong.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// flag is a truth as both databases store it.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// storable refuses what PostgreSQL would refuse in the middle of a transaction
// and SQLite would store: NUL, and bytes that are not UTF-8.
func storable(texts ...string) error {
	for _, s := range texts {
		if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
			return errors.New("a text with NUL or broken UTF-8 cannot be stored; reject it where it is read")
		}
	}
	return nil
}

// accountFields are the columns of [roster.Values], in its order.
var accountFields = func() string {
	names := make([]string, roster.NumFields)
	for f := range roster.NumFields {
		names[f] = f.String()
	}
	return strings.Join(names, ", ")
}()

// accountColumns are the columns that [scanAccount] reads, of a table named a.
var accountColumns = "a.id, a.version, a." + strings.ReplaceAll(accountFields, ", ", ", a.") +
	", a.origins, a.created_at, a.updated_at"

// scanAccount reads a row of [accountColumns]; links are the caller's to add.
func scanAccount(row scanner) (roster.Account, error) {
	var a roster.Account
	var origins string
	var created, updated int64
	dest := make([]any, 0, int(roster.NumFields)+5)
	dest = append(dest, &a.ID, &a.Version)
	for f := range a.Values {
		dest = append(dest, &a.Values[f])
	}
	dest = append(dest, &origins, &created, &updated)
	if err := row.Scan(dest...); err != nil {
		return a, err
	}
	var err error
	if a.Origins, err = readOrigins(origins); err != nil {
		return a, fmt.Errorf("account %d: %w", a.ID, err)
	}
	a.CreatedAt, a.UpdatedAt = fromMicros(created), fromMicros(updated)
	return a, nil
}

// Origins are written as the most frequent one, and behind it the fields that
// have another: "hr-csv;email=ad-staff;phone1=". A blank, = or ; inside an
// origin (a person may be called anything) is escaped with %.
func writeOrigins(o [roster.NumFeedFields]roster.Origin) string {
	most, times := o[0], 0
	for i, origin := range o {
		if i > 0 && origin == o[i-1] {
			continue // counted
		}
		n := 0
		for _, other := range o {
			if other == origin {
				n++
			}
		}
		if n > times || n == times && origin < most {
			most, times = origin, n
		}
	}
	b := append(make([]byte, 0, 64), originEscape.Replace(string(most))...)
	for f, origin := range o {
		if origin != most {
			b = append(append(append(b, ';'), roster.Field(f).String()...), '=')
			b = append(b, originEscape.Replace(string(origin))...)
		}
	}
	return string(b)
}

var (
	originEscape   = strings.NewReplacer("%", "%25", ";", "%3B", "=", "%3D")
	originUnescape = strings.NewReplacer("%3B", ";", "%3D", "=", "%25", "%")
)

func readOrigins(s string) (o [roster.NumFeedFields]roster.Origin, err error) {
	text, rest, more := strings.Cut(s, ";")
	most := roster.Origin(originUnescape.Replace(text))
	for f := range o {
		o[f] = most
	}
	for more {
		var one string
		one, rest, more = strings.Cut(rest, ";")
		name, origin, ok := strings.Cut(one, "=")
		f, known := roster.FieldNamed(name)
		if !ok || !known || f >= roster.NumFeedFields {
			return o, errors.New("origins cannot be read; was the row written by hand?")
		}
		o[f] = roster.Origin(originUnescape.Replace(origin))
	}
	return o, nil
}

// runRow is a run as the table run holds it, but for applied_at, which only
// applying writes.
type runRow struct {
	Number        int64 `gorm:"primaryKey;autoIncrement:false"`
	ID            string
	Profile       string
	Kind          string
	Status        string
	Started       int64
	Finished      int64
	AppliedSeq    *int64
	DryRun        int
	InputName     string
	InputSHA256   string `gorm:"column:input_sha256"`
	InputModified int64
	Content       string
	RowsRead      int
	Mapping       string
	Approved      int
	HeldUntil     int64
	Doc           string
}

// TableName implements GORM's Tabler.
func (runRow) TableName() string { return "run" }

func runRowOf(r *journal.Run) (runRow, error) {
	doc, err := json.Marshal(r)
	if err != nil {
		return runRow{}, fmt.Errorf("run %d: %w", r.Number, err)
	}
	row := runRow{
		Number: r.Number, ID: r.ID, Profile: r.Profile, Kind: string(r.Kind), Status: string(r.Status),
		Started: micros(r.Started), Finished: micros(r.Finished), DryRun: flag(r.DryRun),
		InputName: r.Input.Name, InputSHA256: r.Input.SHA256, InputModified: micros(r.Input.Modified), Content: r.Input.Content,
		RowsRead: r.Facts.Rows.Read, Mapping: r.Mapping, Approved: flag(r.Approved), HeldUntil: micros(r.HeldUntil), Doc: string(doc),
	}
	if r.AppliedSeq != 0 {
		row.AppliedSeq = &r.AppliedSeq
	}
	return row, nil
}

// loadRun reads a run back from its row.
func loadRun(row runRow) (*journal.Run, error) {
	var r journal.Run
	if err := json.Unmarshal([]byte(row.Doc), &r); err != nil {
		return nil, fmt.Errorf("run %d: %w", row.Number, err)
	}
	return &r, nil
}

// saveRun writes what has become of a run over its row, which exists. A run that
// was applied stays so, whatever somebody believes who lost the answer.
func saveRun(tx *gorm.DB, r *journal.Run) error {
	row, err := runRowOf(r)
	if err != nil {
		return err
	}
	// Select("*") writes zero values too, which GORM would pass over.
	res := tx.Model(&runRow{Number: row.Number}).Where("(applied_seq IS NULL OR applied_seq = ?)", r.AppliedSeq).Select("*").Updates(&row)
	if res.Error != nil {
		return fmt.Errorf("run %d: %w", r.Number, res.Error)
	}
	if res.RowsAffected != 1 {
		return fmt.Errorf("run %d: %w, or it has been applied meanwhile", r.Number, ErrNone)
	}
	return nil
}

// mailRow is a message in the outbox.
type mailRow struct {
	Number    int64 `gorm:"primaryKey;autoIncrement"`
	Run       int64
	Message   string
	MessageID string
	State     string
	Attempts  int
	NextAt    int64
	Error     string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
	SentAt    int64
	Account   int64 // of a welcome mail; else zero
}

// TableName implements GORM's Tabler.
func (mailRow) TableName() string { return "outbox" }

// insertMail puts a message into the outbox, due at once. One that is in it
// already, by its Message-ID, is not put there twice.
func insertMail(tx *gorm.DB, run int64, m notify.Message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	now := micros(tx.NowFunc())
	row := mailRow{Run: run, Message: string(text), MessageID: m.ID, State: "pending", NextAt: now, CreatedAt: now}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	return fault.At("store.mail.posted")
}
