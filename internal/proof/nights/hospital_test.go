package nights

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A worker is one person as HR knows them. What is in this struct is the truth
// that the accounts are held against.
type worker struct {
	key, first, last, login, mail string
	ward, title, phone            string
	starts, ends                  time.Time // days; zero: none
	leave                         bool      // parental or sick: the account stays as it is
	gone                          bool      // no longer in HR's file
	back                          int       // the night on which who is gone returns; zero: never

	dirt  dirt // what is wrong with the row, if anything
	until int  // the night on which HR mends it

	known  bool   // a row that can be used has once been in the file
	told   string // the login that it had, the last time
	access bool   // what the rules leave the account at: the model's half of the truth
}

// A dirt is one way in which a row of a healthy site is wrong.
type dirt int

const (
	clean      dirt = iota
	surplus         // a delimiter in a value: one cell too many (E101)
	twice           // a second row that differs (E105)
	copied          // a second row that is equal (E106)
	control         // a control character (E104)
	badStatus       // a status that nobody knows (E115)
	badDate         // an end that is no date (E112)
	badMail         // an address that is none (E131)
	longTitle       // a title of a page (E118)
	noName          // a blank where a name belongs: keeps the stored one
	taken           // somebody else's login (E303)
	sharedMail      // somebody else's address (E130)
	kinds
	noKey // the key's cell is empty: not drawn like the others, for it stops all removals by absence (R3)
)

// A hospital is a healthy HR department: it writes a file every night, and most
// of it is right.
type hospital struct {
	rand  *rand.Rand
	size  int
	night int
	today time.Time // midnight, UTC
	staff []*worker // in the order of the file
	next  int       // the next key
	dirty float64   // share of the rows
}

// usual is the share of dirty rows of a healthy site.
const usual = 0.02

func newHospital(size int, seed uint64, first time.Time) *hospital {
	h := &hospital{rand: rand.New(rand.NewPCG(seed, uint64(size))), size: size, today: first, dirty: usual}
	for range size {
		w := h.hire()
		w.starts = first.AddDate(0, 0, -30-h.rand.IntN(3000))
		if h.rand.IntN(100) < 8 { // a contract that ends
			w.ends = first.AddDate(0, 0, 1+h.rand.IntN(300))
		}
		w.leave = len(h.staff)%100 == 7
	}
	h.spill()
	return h
}

// hire adds somebody who starts today.
func (h *hospital) hire() *worker {
	h.next++
	w := &worker{key: fmt.Sprintf("%06d", 1000+h.next*7%900_000), starts: h.today}
	w.first, w.phone = pick(h, firstNames), fmt.Sprintf("+48 22 %07d", h.rand.IntN(10_000_000))
	w.ward, w.title = h.anyWard(), pick(h, titles)
	h.name(w, pick(h, lastNames))
	h.staff = append(h.staff, w)
	return w
}

// name gives w a last name, and login and address that go with it. HR never
// gives a login out twice.
func (h *hospital) name(w *worker, last string) {
	h.next++
	w.last = last
	w.login = fmt.Sprintf("%s%d", ascii(last), h.next)
	w.mail = w.login + "@hospital.example.org"
}

const wards = 24

func (h *hospital) anyWard() string { return fmt.Sprintf("Ward %02d", 1+h.rand.IntN(wards)) }

func pick(h *hospital, from []string) string { return from[h.rand.IntN(len(from))] }

// about is a whole number near share × size, in the long run exactly that.
func (h *hospital) about(share float64) int {
	exact := share * float64(h.size)
	n := int(exact)
	if h.rand.Float64() < exact-float64(n) {
		n++
	}
	return n
}

// some are n workers in the file whose rows are in order.
func (h *hospital) some(n int) []*worker {
	var all []*worker
	for _, w := range h.staff {
		if !w.gone && w.dirt == clean && w.known {
			all = append(all, w)
		}
	}
	h.rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))]
}

// weekend tells whether HR is at home.
func (h *hospital) weekend() bool {
	return h.today.Weekday() == time.Saturday || h.today.Weekday() == time.Sunday
}

// day lets a day pass: people come, go, move, marry and return, and rows get
// dirty and are mended. Nothing happens at weekends.
func (h *hospital) day() {
	h.night++
	h.today = h.today.AddDate(0, 0, 1)
	if h.weekend() {
		return
	}
	for range h.about(0.0012) {
		w := h.hire()
		if h.rand.IntN(3) == 0 { // known to HR before the first day
			w.starts = h.today.AddDate(0, 0, 1+h.rand.IntN(10))
		}
		if h.rand.IntN(5) == 0 {
			w.ends = w.starts.AddDate(0, 0, 20+h.rand.IntN(200))
		}
	}
	if h.today.Day() <= 3 && h.today.AddDate(0, 0, -3).Month() != h.today.Month() && h.today.Weekday() != time.Tuesday {
		for range h.about(0.01) { // the trainees of the month
			h.hire()
		}
	}
	leavers := h.about(0.001)
	if h.today.AddDate(0, 0, 1).Month() != h.today.Month() {
		leavers += h.about(0.012) // the end of a month
	}
	for _, w := range h.some(leavers) {
		w.gone = true
		if h.rand.IntN(6) == 0 {
			w.back = h.night + 2 + h.rand.IntN(20)
		}
	}
	for _, w := range h.some(h.about(0.003)) {
		w.ward = h.anyWard()
	}
	for _, w := range h.some(h.about(0.002)) {
		w.title = pick(h, titles)
	}
	for _, w := range h.some(h.about(0.003)) {
		w.phone = fmt.Sprintf("+48 22 %07d", h.rand.IntN(10_000_000))
	}
	for _, w := range h.some(h.about(0.0006)) { // marriages
		h.name(w, pick(h, lastNames))
	}
	for _, w := range h.some(h.about(0.0005)) { // a contract is made longer, or permanent
		if w.ends.IsZero() {
			continue
		}
		w.ends = w.ends.AddDate(0, 6, 0)
		if h.rand.IntN(3) == 0 {
			w.ends = time.Time{}
		}
	}
	for _, w := range h.staff {
		switch {
		case w.gone && w.back == h.night:
			w.gone, w.back = false, 0
			if !w.ends.IsZero() {
				w.ends = h.today.AddDate(1, 0, 0)
			}
		case !w.gone && !w.ends.IsZero() && w.ends.Before(h.today) && h.rand.IntN(3) == 0:
			w.gone = true // HR drops the row some days after the last one
		case w.dirt != clean && w.until <= h.night:
			w.dirt = clean
		}
	}
	h.spill()
}

// spill makes rows dirty until their share is what it was.
func (h *hospital) spill() {
	have := 0
	for _, w := range h.staff {
		if !w.gone && w.dirt != clean {
			have++
		}
	}
	for want := int(h.dirty * float64(h.size)); have < want; have++ {
		w := h.staff[h.rand.IntN(len(h.staff))]
		if w.gone || w.dirt != clean {
			continue
		}
		w.dirt = clean + 1 + dirt(h.rand.IntN(int(kinds)-1))
		w.until = h.night + 1 + h.rand.IntN(10)
	}
}

// tidy mends every row, and no other gets dirty any more.
func (h *hospital) tidy() {
	h.dirty = 0
	for _, w := range h.staff {
		w.dirt = clean
	}
}

// reorganise gives most of the wards new names.
func (h *hospital) reorganise() {
	h.day()
	for _, w := range h.staff {
		if w.dirt == clean && !w.gone && w.ward < fmt.Sprintf("Ward %02d", wards/2) {
			w.ward = strings.Replace(w.ward, "Ward", "Clinic", 1)
		}
	}
}

// closeWard lets 7 % of the people go at once, in a file that keeps nobody who is
// absent (R3): the run would hold some other night, unannounced.
func (h *hospital) closeWard() {
	h.day()
	for _, w := range h.staff {
		if w.dirt == noKey || w.dirt == surplus && !w.known {
			w.dirt = clean
		}
	}
	for _, w := range h.some(h.size * 7 / 100) {
		w.gone = true
	}
}

// loseKey makes a row of tonight one whose key cannot be read; foundKey mends it.
func (h *hospital) loseKey() *worker {
	w := h.some(1)[0]
	w.dirt, w.until = noKey, h.night+1
	return w
}

const header = "PersonNo;Login;GivenName;FamilyName;WorkEmail;Ward;Title;Phone;Start;End;Status"

// file is tonight's drop, and the number of its rows.
func (h *hospital) file() (lines []string, rows int) {
	lines = []string{header}
	for i, w := range h.staff {
		if w.gone {
			continue
		}
		lines = append(lines, h.rows(w, h.staff[(i+1)%len(h.staff)])...)
	}
	return lines, len(lines) - 1
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("02.01.2006")
}

// cells is a clean row.
func (w *worker) cells() []string {
	status := "A"
	if w.leave {
		status = "L"
	}
	return []string{w.key, w.login, w.first, w.last, w.mail, w.ward, w.title, w.phone, day(w.starts), day(w.ends), status}
}

// rows is what the file has of w; other is somebody else.
func (h *hospital) rows(w, other *worker) []string {
	cells := w.cells()
	row := func() string { return strings.Join(cells, ";") }
	right := row()
	wrong := w.dirt
	switch {
	case wrong == clean || wrong == copied || wrong == noKey || wrong == surplus:
	case !w.known: // who is new is rejected for it, or comes in without a value: let it be the first
		wrong = control
	case other.told != other.login && (wrong == taken || wrong == sharedMail): // of two that want one new login or address neither gets it (R22, R33)
		wrong = badDate
	}
	switch wrong {
	case surplus:
		cells[6] += ";deputy"
	case twice:
		cells[5] += " (old)"
		return []string{right, row()}
	case copied:
		return []string{right, right}
	case control:
		cells[6] += "\x07"
	case badStatus:
		cells[10] = "?"
	case badDate:
		cells[9] = "31.02.2027"
	case badMail:
		cells[4] = "n/a"
	case longTitle:
		cells[6] = strings.Repeat("Very ", 200) + "Senior Nurse"
	case noName:
		cells[3] = ""
	case taken:
		cells[1] = other.login
	case sharedMail:
		cells[4] = other.mail
	case noKey:
		cells[0] = ""
	}
	return []string{row()}
}

// usable tells whether tonight's row of w says something of an account that is
// there already (known), or makes one.
func (w *worker) usable() bool {
	if w.known {
		return !slices.Contains([]dirt{surplus, twice, control, badStatus, noKey}, w.dirt)
	}
	return w.dirt == clean || w.dirt == copied
}

// applied moves the model on by what the rules say of tonight's file: it was
// applied.
func (h *hospital) applied() {
	withheld := h.anybody()
	for _, w := range h.staff {
		switch {
		case w.gone && withheld:
		case w.gone:
			w.access = false
		case w.usable():
			w.known, w.access, w.told = true, true, w.login
		}
	}
}

// anybody tells whether tonight's file has a row that could be anybody's, and so
// keeps all who are absent (R3): one without a key, or one of a wrong shape in
// which the key's cell names nobody yet (R15).
func (h *hospital) anybody() bool {
	return slices.ContainsFunc(h.staff, func(w *worker) bool {
		return !w.gone && (w.dirt == noKey || w.dirt == surplus && !w.known)
	})
}

// active tells whether the account of w gives access today.
func (h *hospital) active(w *worker) bool {
	return w.known && w.access && !w.starts.After(h.today) && (w.ends.IsZero() || !w.ends.Before(h.today))
}

// ascii is a name as a login has it.
func ascii(name string) string {
	return strings.Map(func(r rune) rune {
		if i := slices.Index([]rune("ąćęłńóśźżöüäß"), r); i >= 0 {
			return rune("acelnoszzouas"[i])
		}
		return r
	}, strings.ToLower(name))
}

// byKey is the staff in the order of their keys.
func (h *hospital) byKey() map[string]*worker {
	found := map[string]*worker{}
	for _, w := range h.staff {
		found[w.key] = w
	}
	return found
}

var (
	firstNames = []string{"Anna", "Łucja", "Jan", "Piotr", "Zofia", "Jürgen", "Käthe", "Stanisław", "Ewa", "Małgorzata", "Otto", "Błażej", "Ida", "Tomasz", "Świętosława", "Emil"}
	lastNames  = []string{"Kowalska", "Nowak", "Wójcik", "Müller", "Zielińska", "Szymański", "Jäger", "Dąbrowska", "Weiß", "Lewandowski", "Kamińska", "Schulz", "Wiśniewska", "Köhler", "Mazur", "Krawczyk"}
	titles     = []string{"Nurse", "Senior Nurse", "Physician", "Porter", "Midwife", "Pharmacist", "Technician", "Clerk"}
)
