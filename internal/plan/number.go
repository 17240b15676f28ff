package plan

import (
	"fmt"
	"strconv"
	"strings"

	"rollcall/internal/roster"
)

// numbers are the counters of one base name (R33).
type numbers struct {
	taken map[string]bool // folded names of the directory, base with digits
	next  int
}

// number finds the first free name of base, base2, base3, …; "" where the
// field has no room for more.
func (w *people) number(base string) (string, error) {
	fold := roster.Fold(base)
	if w.openName(fold) {
		return base, nil
	}
	n := w.numbers[fold]
	if n == nil {
		list, err := w.dir.Numbered(w.ctx, fold, w.planner.now)
		if err != nil {
			return "", fmt.Errorf("find numbered names: %w", err)
		}
		n = &numbers{taken: make(map[string]bool, len(list)), next: 2}
		for _, name := range list {
			n.taken[name] = true
		}
		w.numbers[fold] = n
	}
	for ; ; n.next++ {
		digits := strconv.Itoa(n.next)
		name := base + digits
		if len([]rune(name)) > roster.Username.Max() {
			return "", nil
		}
		fold := roster.Fold(name)
		if n.taken[fold] || w.protectedName(name) {
			continue
		}
		if _, taken := w.usernames.granted[w.index.hash(fold)]; taken {
			continue
		}
		return name, nil
	}
}

// openName tells whether a new account may take a name. One that is given up
// in this plan it may not (R33).
func (w *people) openName(fold string) bool {
	if _, taken := w.usernames.granted[w.index.hash(fold)]; taken {
		return false
	}
	return w.byName[fold] == nil && !w.held(fold, 0) && !w.protectedName(fold) && strings.TrimSpace(fold) != ""
}
