package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"rollcall/internal/run"
)

// applyCmd is "rollcall apply".
type applyCmd struct {
	Plan string `arg:"" name:"run|P.json" help:"The run that made the plan, or what plan --out wrote."`
}

// Run implements the command.
func (c *applyCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	ref, digest := c.Plan, ""
	if !isRun(ref) {
		number, sum, err := readPlan(c.Plan)
		if err != nil {
			return err
		}
		ref, digest = strconv.FormatInt(number, 10), sum
	}
	j, err := d.stored(ref)
	if err != nil {
		return err
	}
	p, err := d.of(j)
	if err != nil {
		return err
	}
	meter, stop := d.during("applying")
	j, err = d.r.ApplyStored(d.ctx, p, run.Decision{Run: j.Number, Digest: digest, Who: who(), Meter: meter})
	stop()
	return d.tell(p, j, err)
}

// isRun tells a RUN from the name of a file.
func isRun(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil || s == "last" || strings.HasPrefix(s, "last:")
}

// maxHead is how much of a P.json is read in search of its run, in bytes: what
// plan --out writes has it at the very beginning.
const maxHead = 16 << 20

// readPlan finds in P.json the run and the digest of its plan.
func readPlan(path string) (number int64, digest string, err error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, "", fmt.Errorf("%s is neither a run nor a file; write a number, last, last:PROFILE, or what plan --out wrote", path)
	case err != nil:
		return 0, "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return 0, "", fmt.Errorf("%s is no ordinary file", path)
	}
	number, digest, err = planOf(io.LimitReader(f, maxHead))
	if err != nil {
		return 0, "", fmt.Errorf("%s is not a plan that rollcall plan --out wrote; make one, or name the run: %w", path, err)
	}
	return number, digest, nil
}

// planOf reads no further than it has to: the changes come last.
func planOf(r io.Reader) (number int64, digest string, err error) {
	var head struct {
		Number     int64  `json:"number"`
		PlanDigest string `json:"plan_digest"`
	}
	schema := ""
	in := json.NewDecoder(r)
	if start, err := in.Token(); err != nil || start != json.Delim('{') {
		return 0, "", errors.New("it is no JSON object")
	}
	for in.More() && (schema == "" || head.Number == 0) {
		key, err := in.Token()
		if err != nil {
			return 0, "", notJSON(err)
		}
		var into any = new(json.RawMessage)
		switch key {
		case "schema":
			into = &schema
		case "run":
			into = &head
		}
		if err := in.Decode(into); err != nil {
			return 0, "", notJSON(err)
		}
	}
	switch {
	case schema != planSchema:
		return 0, "", fmt.Errorf("its schema is not %s", planSchema)
	case head.Number < 1 || head.PlanDigest == "":
		return 0, "", errors.New("it names no run and digest")
	}
	return head.Number, head.PlanDigest, nil
}

// notJSON is an error of the decoder without what stands in the file.
func notJSON(err error) error {
	var at *json.SyntaxError
	if errors.As(err, &at) {
		return fmt.Errorf("byte %d is not JSON", at.Offset)
	}
	return errors.New("it is not JSON, or run and digest are not at its beginning")
}
