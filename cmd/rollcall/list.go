package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
)

// array writes a JSON array as its items come, one on a line; [] for none.
func (a *app) array(items iter.Seq2[any, error]) error {
	w := bufio.NewWriter(a.stdout)
	_ = w.WriteByte('[') // the writer keeps the first error, for Flush
	before := "\n  "
	for item, err := range items {
		if err != nil {
			return err
		}
		line, err := json.Marshal(item)
		if err != nil {
			return err
		}
		_, _ = w.WriteString(before)
		if _, err := w.Write(line); err != nil {
			return err
		}
		before = ",\n  "
	}
	if before != "\n  " {
		_ = w.WriteByte('\n')
	}
	_, _ = w.WriteString("]\n")
	return w.Flush()
}

// object writes one JSON object.
func (a *app) object(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s\n", text)
	return err
}

// since reads how far back a list goes: 12h, 7d, or a day or an instant as in
// [desk.day]; zero for "".
func (d *desk) since(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return d.r.Now().AddDate(0, 0, -int(n)), nil
		}
	}
	if span, err := time.ParseDuration(text); err == nil && span >= 0 {
		return d.r.Now().Add(-span), nil
	}
	t, err := d.day("--since", text)
	if err != nil {
		return t, fmt.Errorf("--since: %q is not a span or a time; write 12h, 7d, 2026-11-21 or 2026-11-21T05:00:00Z", text)
	}
	return t, nil
}

// day reads YYYY-MM-DD, the beginning of that day in the site's zone, or an
// RFC 3339 instant; zero for "".
func (d *desk) day(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, d.site.Zone)
	if err != nil {
		return t, fmt.Errorf("%s: %q is not a day; write it like 2026-11-21", flag, text)
	}
	return t, nil
}
