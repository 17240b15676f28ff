package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
)

// historyOf is how many full drops the median of rows is taken from.
const historyOf = 5

// Baseline is what the guardrails compare a plan of the profile with. A mapping
// of "" is not compared.
func (db *DB) Baseline(ctx context.Context, profile, mapping string) (guard.Baseline, error) {
	last, err := db.LastApplied(ctx, profile)
	if errors.Is(err, ErrNone) {
		return guard.Baseline{}, nil
	}
	if err != nil {
		return guard.Baseline{}, fmt.Errorf("baseline: %w", err)
	}
	rows, err := db.rowHistory(ctx, profile)
	if err != nil {
		return guard.Baseline{}, fmt.Errorf("baseline: %w", err)
	}
	return guard.Baseline{
		Applied:    true,
		Remapped:   mapping != "" && last.Mapping != mapping,
		MedianRows: median(rows),
		RowHistory: rows,
	}, nil
}

// rowHistory is how many rows the last applied full drops had, newest first. A
// drop that was read again counts once; one that was taken back does not count,
// for a person has said that it was not the usual.
func (db *DB) rowHistory(ctx context.Context, profile string) ([]int, error) {
	tx := db.gorm.WithContext(ctx)
	rows, err := appliedSyncs(tx.Model(&runRow{}), profile).
		Where("content = 'full' AND status <> ?", string(journal.Reverted)).
		Select("input_sha256", "rows_read").Rows()
	if err != nil {
		return nil, translated(tx, err)
	}
	defer rows.Close()
	var history []int
	seen := map[string]bool{}
	for len(history) < historyOf && rows.Next() {
		var sum string
		var n int
		if err := rows.Scan(&sum, &n); err != nil {
			return nil, err
		}
		if !seen[sum] {
			seen[sum] = true
			history = append(history, n)
		}
	}
	return history, translated(tx, rows.Err())
}

// median is the middle of some numbers, the lower of two; zero of none. The
// lower one holds a short drop back no sooner than the drops before it did.
func median(numbers []int) int {
	if len(numbers) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(numbers))
	return sorted[(len(sorted)-1)/2]
}

// Known are the rejections, warnings and notes, and the skipped rows that are told, of the profile's last applied run, by
// [roster.Problem.Identity], each with the time at which it was first seen.
// Those beyond [maxProblems] were not kept and count as new again.
func (db *DB) Known(ctx context.Context, profile string) (map[string]time.Time, error) {
	known := map[string]time.Time{}
	last, err := db.LastApplied(ctx, profile)
	if errors.Is(err, ErrNone) {
		return known, nil
	}
	if err != nil {
		return nil, fmt.Errorf("known problems: %w", err)
	}
	run, err := db.rejector(ctx, last)
	if err != nil {
		return nil, fmt.Errorf("known problems: %w", err)
	}
	var rows []struct {
		Identity string
		Since    int64
		Started  int64
	}
	err = db.gorm.WithContext(ctx).Raw(`SELECT p.identity, p.since, r.started FROM problem p JOIN run r ON r.number = p.run
		WHERE p.run = ? AND (p.severity IN ('error', 'warning', 'note') OR p.severity = 'skip' AND p.fix <> '') AND p.identity <> ''`, run).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("known problems: %w", err)
	}
	for _, row := range rows {
		since := fromMicros(row.Since)
		if row.Since == 0 {
			since = fromMicros(row.Started)
		}
		if was, ok := known[row.Identity]; !ok || since.Before(was) {
			known[row.Identity] = since
		}
	}
	return known, nil
}

// rejector is the run whose problems are those of last: last itself, but where
// it only replayed bytes and so has none written of its own.
func (db *DB) rejector(ctx context.Context, last *journal.Run) (int64, error) {
	for _, severities := range [][]string{{"error", "warning", "skip"}, {"note"}} { // a replay may have notes of its own, and no more
		var numbers []int64
		err := appliedSyncs(db.gorm.WithContext(ctx).Model(&runRow{}), last.Profile).
			Where("input_sha256 = ?", last.Input.SHA256).
			Where("EXISTS (SELECT 1 FROM problem p WHERE p.run = run.number AND p.severity IN ?)", severities).
			Limit(1).Pluck("number", &numbers).Error
		if err != nil {
			return 0, err
		}
		if len(numbers) > 0 {
			return numbers[0], nil
		}
	}
	return last.Number, nil
}

// Touched tells whether another run than one has changed an account that the profile
// links, or its link, and was applied after seq: what the one had seen when it began. What
// others did while it was under way it has not seen.
func (db *DB) Touched(ctx context.Context, profile string, seq, but int64) (bool, error) {
	tx := db.gorm.WithContext(ctx)
	runs, err := appliedSince(tx, seq, but)
	if err != nil || len(runs) == 0 {
		return false, err
	}
	var touched []int
	err = tx.Raw(`SELECT 1 FROM change c JOIN run r ON r.number = c.run
		WHERE ? AND `+carriedOut+`
		AND (c.action <> 'claim' AND EXISTS (SELECT 1 FROM link l WHERE l.profile = ? AND l.account = `+accountOf+`)
			OR c.links LIKE ? AND (c.action <> 'claim' OR r.kind IN ('batch', 'revert')))
		LIMIT 1`, db.engine.in("c.run", numberList(runs)), profile, `%"profile":"`+profile+`"%`).Scan(&touched).Error
	if err != nil {
		return false, fmt.Errorf("touched accounts: %w", err)
	}
	return len(touched) > 0, nil
}

// AppliedSince tells whether another run than one was applied after seq.
func (db *DB) AppliedSince(ctx context.Context, seq, but int64) (bool, error) {
	runs, err := appliedSince(db.gorm.WithContext(ctx), seq, but)
	return len(runs) > 0, err
}

// appliedSince are the runs, but one, that were applied after seq.
func appliedSince(tx *gorm.DB, seq, but int64) (runs []int64, err error) {
	if err = tx.Raw("SELECT number FROM run WHERE applied_seq > ? AND number <> ?", seq, but).Scan(&runs).Error; err != nil {
		err = fmt.Errorf("runs that were applied since: %w", err)
	}
	return runs, err
}
