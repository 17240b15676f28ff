package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/roster"
)

// toldRow is what the people of a profile have been told, as the table has it.
type toldRow struct {
	Profile   string `gorm:"primaryKey"`
	Status    string
	Code      string
	Since     int64
	Runs      int
	Run       int64
	Mails     int
	Mailed    int64
	Problems  string
	Arrived   int64
	ArrivedAt int64
	Watched   int64
	Week      int64
}

// TableName implements GORM's Tabler.
func (toldRow) TableName() string { return "told" }

// Watching is the lease of who watches over a profile beside its runs. No
// profile bears its name: theirs have no underscore.
func Watching(profile string) string { return "_watch_" + profile }

// Told is what the people of a profile have been told.
func (db *DB) Told(ctx context.Context, profile string) (*journal.Told, error) {
	return loadTold(db.gorm.WithContext(ctx), profile, "")
}

// Tell lets change write what the people of a profile have been told now, and
// puts its mails into the outbox, as those of a run, in one transaction. Nobody
// else writes it meanwhile, so nobody is told twice.
func (db *DB) Tell(ctx context.Context, profile string, run int64, change func(*journal.Told) []notify.Message) error {
	return db.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return db.tell(tx, profile, run, change) })
}

// End is [DB.Finish], and lets change write what the people of the profile know by its mails.
func (db *DB) End(ctx context.Context, r *journal.Run, change func(*journal.Told) []notify.Message) error {
	return db.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := db.tell(tx, r.Profile, r.Number, change); err != nil {
			return err
		}
		return end(tx, r)
	})
}

func (db *DB) tell(tx *gorm.DB, profile string, run int64, change func(*journal.Told) []notify.Message) error {
	t, err := loadTold(tx, profile, db.engine.forUpdate())
	if err != nil {
		return err
	}
	was := *t
	for _, m := range change(t) {
		if err := insertMail(tx, run, m); err != nil {
			return err
		}
	}
	if *t == was {
		return nil
	}
	return saveTold(tx, t)
}

func loadTold(tx *gorm.DB, profile, lock string) (*journal.Told, error) {
	var rows []toldRow
	if err := tx.Raw("SELECT * FROM told WHERE profile = ?"+lock, profile).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("what was told of %s: %w", profile, err)
	}
	if len(rows) == 0 {
		return &journal.Told{Profile: profile}, nil
	}
	row := rows[0]
	return &journal.Told{
		Profile: row.Profile, Status: journal.Status(row.Status), Code: row.Code, Since: fromMicros(row.Since),
		Runs: row.Runs, Run: row.Run, Mails: row.Mails, Mailed: fromMicros(row.Mailed), Problems: row.Problems,
		Arrived: fromMicros(row.Arrived), ArrivedAt: fromMicros(row.ArrivedAt), Watched: fromMicros(row.Watched), Week: fromMicros(row.Week),
	}, nil
}

// saveTold writes t, which was read with a lock in the same transaction.
func saveTold(tx *gorm.DB, t *journal.Told) error {
	row := toldRow{
		Profile: t.Profile, Status: string(t.Status), Code: t.Code, Since: micros(t.Since),
		Runs: t.Runs, Run: t.Run, Mails: t.Mails, Mailed: micros(t.Mailed), Problems: t.Problems,
		Arrived: micros(t.Arrived), ArrivedAt: micros(t.ArrivedAt), Watched: micros(t.Watched), Week: micros(t.Week),
	}
	if err := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "profile"}}, UpdateAll: true}).Create(&row).Error; err != nil {
		return fmt.Errorf("what was told of %s: %w", t.Profile, err)
	}
	return nil
}

// Soon is what to count of the accounts that dates and terms will end by themselves.
type Soon struct {
	Until   time.Time // active ones that end until then
	Missing time.Time // those suspended by absence, by their profile and no later than then; zero: none
}

// Soon counts what is coming among the accounts of a profile.
func (db *DB) Soon(ctx context.Context, profile string, s Soon) (expire, gone int, err error) {
	return soon(db.gorm.WithContext(ctx), profile, s)
}

// Both begin with what is due, which are few, and then read the links of those:
// SQLite takes the tables of a CROSS JOIN in the order in which they are written, and
// would begin with a million links.
const (
	soonActive = `SELECT count(*) FROM due d CROSS JOIN link l
		WHERE d.kind = 'expires' AND d.at <= ? AND l.profile = ? AND l.account = d.account`
	soonMissing = `SELECT count(*) FROM due d CROSS JOIN account a CROSS JOIN link l
		WHERE d.kind = 'missing' AND d.at <= ? AND a.id = d.account AND a.status = 'suspended' AND a.status_by = ? AND l.profile = ? AND l.account = a.id`
)

func soon(tx *gorm.DB, profile string, s Soon) (expire, gone int, err error) {
	err = tx.Raw(soonActive, roster.Stamp(s.Until), profile).Scan(&expire).Error
	if err == nil && !s.Missing.IsZero() {
		err = tx.Raw(soonMissing, roster.Stamp(s.Missing), profile, profile).Scan(&gone).Error
	}
	if err != nil {
		return 0, 0, fmt.Errorf("count what is coming: %w", err)
	}
	return expire, gone, nil
}

// Usual lists the runs of a kind that were applied before a run, newest first,
// without those that were taken back.
func (db *DB) Usual(ctx context.Context, profile string, kind journal.Kind, before int64, limit int) ([]journal.Run, error) {
	return listRuns(db.gorm.WithContext(ctx).Where("profile = ? AND kind = ? AND dry_run = 0 AND number < ?", profile, string(kind), before).
		Where("status IN ?", []string{string(journal.OK), string(journal.Unchanged), string(journal.Warn)}).Order("number DESC").Limit(limit))
}
