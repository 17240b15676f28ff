package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"math/bits"
	"os"
	"slices"
	"strconv"
	"strings"
)

// A Feed says what one file of invented people holds. The same Feed always
// gives the same bytes.
type Feed struct {
	People  uint64  // before anybody joins or leaves
	Changed float64 // per cent of them with another department, title and phone
	Renamed float64 // with another family name, login and address
	Gone    float64 // left out
	New     float64 // added at the end
	Scatter bool    // in a scattered order
	XML     bool
	Members bool // each with memberships in columns of their own; not as XML
}

// Known is what a file asks for, compared with the one in which nobody changed.
type Known struct {
	Rows, Changed, Renamed, Gone, New int
}

// columns are the header of a feed. Every one stands for a field of an account.
var columns = [...]string{
	"PersonNo", "Login", "GivenName", "FamilyName", "WorkEmail", "Department", "JobTitle", "ManagerNo",
	"City", "Country", "Phone", "HireDate", "EndDate", "Status", "Company", "Desk",
}

// memberColumns are the header of memberships: three groups, two courses with their
// terms, a program, a session and a role, the numbered columns of Moodle and Dual Code.
var memberColumns = []string{
	"cohort1", "cohort2", "course1", "role1", "group1", "enrolperiod1", "enrolstatus1", "course2", "role2", "program1", "session1", "sysrole1",
}

const (
	personNo = iota
	login
	givenName
	familyName
	workEmail
	department
	jobTitle
	managerNo
	city
	country
	phone
	hireDate
	endDate
	status
	company
	desk
	width
)

// A name has its form in logins and addresses.
type name struct{ text, plain string }

var (
	givenNames = names("James Mary John Linda Robert Susan Michael Karen David Nancy Thomas Laura Daniel Anna Paul Emma Mark Julia George Sophie Peter Maria Martin Elena Ahmed Fatima Wei Priya Kenji Aisha",
		"José:jose Zoë:zoe François:francois Jürgen:juergen Søren:soren Åsa:asa Núria:nuria João:joao Łukasz:lukasz Željko:zeljko Иван:ivan Ελένη:eleni 花子:hanako Nguyệt:nguyet")
	familyNames = names("Smith Johnson Brown Taylor Wilson O'Brien Garcia Rossi Schmidt Novak Kowalski Silva Patel Singh Kim Tanaka Hansen Smith-Jones Cohen Khan Martin Dubois Meyer Fischer Weber Lopez Ali Chen Murphy Costa",
		"Müller:mueller Núñez:nunez Lefèvre:lefevre Sørensen:sorensen Gonçalves:goncalves Weiß:weiss Wałęsa:walesa Петров:petrov Παπαδόπουλος:papadopoulos 山田:yamada Yıldız:yildiz Nguyễn:nguyen Dvořák:dvorak")
	departments = strings.Split("Emergency|Surgery|Human Resources|Finance|Legal & Compliance|Research, Development|Operations|Marketing|Patient Services|Procurement|Facilities|IT \"Core\" Services|Quality Assurance|Logistics|Ward 1|Ward 2|Security|Data & Analytics|Training|Executive Office", "|")
	titles      = strings.Split("Nurse|Senior Nurse|Team Lead|Manager|Director|Analyst|Specialist|Coordinator|Technician|Assistant|Consultant|Architect|Administrator|Intern|Operator|Planner|Buyer|Trainer|Counsel|Vice President", "|")
	companies   = strings.Split("North Hospital|South Hospital|Lakeside Clinic|City Laboratory|Central Pharmacy|Rescue Service", "|")
	cities      = [...]struct{ name, country, prefix string }{
		{"Berlin", "DE", "+49 30 "},
		{"München", "DE", "+49 89 "},
		{"Zürich", "CH", "+41 44 "},
		{"Paris", "FR", "+33 1 "},
		{"Málaga", "ES", "+34 952 "},
		{"São Paulo", "BR", "+55 11 "},
		{"London", "GB", "+44 20 "},
		{"Dublin", "IE", "+353 1 "},
		{"New York", "US", "+1 212 "},
		{"Toronto", "CA", "+1 416 "},
		{"Oslo", "NO", "+47 22 "},
		{"Wien", "AT", "+43 1 "},
	}
)

// names reads names, the second half with their plain forms. Four in five
// people have one of the first.
func names(plain, accented string) [2][]name {
	var n [2][]name
	for _, w := range strings.Fields(plain) {
		n[0] = append(n[0], name{w, strings.ToLower(strings.NewReplacer("'", "", "-", "").Replace(w))})
	}
	for _, w := range strings.Fields(accented) {
		text, low, _ := strings.Cut(w, ":")
		n[1] = append(n[1], name{text, low})
	}
	return n
}

// dice are random numbers that depend on one person alone, so that a feed can
// be written in any order.
type dice uint64

// mix is SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below is a number from 0 to n-1.
func (d *dice) below(n int) int {
	*d = dice(mix(uint64(*d)))
	hi, _ := bits.Mul64(uint64(*d), uint64(n))
	return int(hi)
}

func (d *dice) name(of [2][]name) name {
	list := of[0]
	if d.below(5) == 0 {
		list = of[1]
	}
	return list[d.below(len(list))]
}

// A fate is what happens to a person between two files.
type fate int

const (
	stays fate = iota
	leaves
	changes
	isRenamed
)

const fates = 0x5eed << 32 // apart from the dice of the people

func (f Feed) fate(i uint64) fate {
	at := float64(mix(i^fates)>>11) / (1 << 53) * 100
	for _, w := range []struct {
		fate  fate
		share float64
	}{{leaves, f.Gone}, {changes, f.Changed}, {isRenamed, f.Renamed}} {
		if at < w.share {
			return w.fate
		}
		at -= w.share
	}
	return stays
}

// A row holds the cells of one person; its memory is used again.
type row [width][]byte

// fill makes person i, counted from 1.
func (r *row) fill(i uint64, what fate) {
	d := dice(mix(i))
	given, family := d.name(givenNames), d.name(familyNames)
	dept, title := d.below(len(departments)), d.below(len(titles))
	place := cities[d.below(len(cities))]
	number := 1_000_000 + d.below(9_000_000)
	hired := [3]int{1990 + d.below(35), 1 + d.below(12), 1 + d.below(28)}
	ends := [3]int{2040 + d.below(9), 1 + d.below(12), 1 + d.below(28)}
	temporary, raised := d.below(10) < 3, d.below(20) == 0
	firm, seat := d.below(len(companies)), d.below(900)
	id := i
	switch what {
	case changes:
		dept, title = (dept+1)%len(departments), (title+1+d.below(5))%len(titles)
		number = 1_000_000 + (number+1+d.below(8_999))%9_000_000
	case isRenamed:
		other := d.name(familyNames)
		for other == family {
			other = d.name(familyNames)
		}
		family = other
		id += 900_000_000 // nobody else's login
	}
	for k := range r {
		r[k] = r[k][:0]
	}
	r[personNo] = appendNumber(r[personNo], i)
	r[login] = strconv.AppendUint(append(append(r[login], given.plain[0]), family.plain...), id, 10)
	mail := append(append(append(append(r[workEmail], given.plain...), '.'), family.plain...), '.')
	r[workEmail] = append(strconv.AppendUint(mail, id, 10), "@example.org"...)
	if raised {
		r[workEmail][0] -= 'a' - 'A'
	}
	r[givenName] = append(r[givenName], given.text...)
	r[familyName] = append(r[familyName], family.text...)
	r[department] = append(r[department], departments[dept]...)
	r[jobTitle] = append(r[jobTitle], titles[title]...)
	if i > 1 {
		r[managerNo] = appendNumber(r[managerNo], i/10+1)
	}
	r[city] = append(r[city], place.name...)
	r[country] = append(r[country], place.country...)
	r[phone] = strconv.AppendInt(append(r[phone], place.prefix...), int64(number), 10)
	r[hireDate] = appendDate(r[hireDate], hired)
	if temporary {
		r[endDate] = appendDate(r[endDate], ends)
	}
	r[status] = append(r[status], 'A')
	r[company] = append(r[company], companies[firm]...)
	r[desk] = strconv.AppendInt(append(r[desk], "Desk "...), int64(seat), 10)
}

func appendNumber(b []byte, i uint64) []byte {
	b = append(b, 'E')
	for limit := uint64(10_000_000); i < limit && limit > 1; limit /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendUint(b, i, 10)
}

func appendDate(b []byte, d [3]int) []byte {
	return fmt.Appendf(b, "%04d-%02d-%02d", d[0], d[1], d[2])
}

func (r *row) appendCSV(b []byte) []byte {
	for k, cell := range r {
		if k > 0 {
			b = append(b, ',')
		}
		if !strings.ContainsAny(string(cell), ",\"\n") {
			b = append(b, cell...)
			continue
		}
		b = append(b, '"')
		for _, c := range cell {
			if c == '"' {
				b = append(b, '"')
			}
			b = append(b, c)
		}
		b = append(b, '"')
	}
	return append(b, '\n')
}

// appendMembers adds the memberships of person i to a line of CSV; whose department
// changes is in another cohort and another course too.
func appendMembers(line []byte, i uint64, what fate) []byte {
	d := dice(mix(i ^ 0x3e3be25))
	moved := 0
	if what == changes {
		moved = 1
	}
	return fmt.Appendf(line[:len(line)-1], ",dept-%d,site-%d,SAFE-%d,learner,shift-%d,365,0,SKILL-%d,learner,PROG-%d,TERM-%d,%s\n",
		d.below(50)+moved, d.below(20), d.below(30), d.below(5), d.below(40)+moved, d.below(8), d.below(4), []string{"", "", "", "tutor"}[d.below(4)])
}

func (r *row) appendXML(b []byte) []byte {
	b = append(b, "  <person>"...)
	for k, cell := range r {
		b = append(append(append(b, '<'), columns[k]...), '>')
		for _, c := range cell {
			switch c {
			case '&':
				b = append(b, "&amp;"...)
			case '<':
				b = append(b, "&lt;"...)
			default:
				b = append(b, c)
			}
		}
		b = append(append(append(b, "</"...), columns[k]...), '>')
	}
	return append(b, "</person>\n"...)
}

// Write writes the feed and answers with what it asks for.
func (f Feed) Write(to io.Writer) (Known, error) {
	w := bufio.NewWriterSize(to, 1<<18)
	if f.XML {
		fmt.Fprint(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<people>\n")
	} else {
		header := columns[:]
		if f.Members {
			header = slices.Concat(header, memberColumns)
		}
		fmt.Fprintln(w, strings.Join(header, ","))
	}
	added := uint64(float64(f.People)*f.New/100 + 0.5)
	total := f.People + added
	step := uint64(1)
	if f.Scatter {
		for step = 2_654_435_761 % total; common(step, total) != 1; step++ {
		}
	}
	var known Known
	var r row
	var buf []byte
	for k, at := uint64(0), uint64(0); k < total; k, at = k+1, (at+step)%total {
		what := stays
		if at < f.People {
			what = f.fate(at + 1)
		} else {
			known.New++
		}
		switch what {
		case leaves:
			known.Gone++
			continue
		case changes:
			known.Changed++
		case isRenamed:
			known.Renamed++
		}
		known.Rows++
		r.fill(at+1, what)
		if f.XML {
			buf = r.appendXML(buf[:0])
		} else {
			buf = r.appendCSV(buf[:0])
		}
		if f.Members {
			buf = appendMembers(buf, at+1, what)
		}
		if _, err := w.Write(buf); err != nil {
			return known, err
		}
	}
	if f.XML {
		fmt.Fprint(w, "</people>\n")
	}
	return known, w.Flush()
}

// common is the greatest common divisor.
func common(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// feedCommand writes a feed for whoever wants to look at one.
func feedCommand(args []string) error {
	flags := flag.NewFlagSet("feed", flag.ContinueOnError)
	var f Feed
	flags.Uint64Var(&f.People, "n", 1000, "people before anybody joins or leaves")
	flags.Float64Var(&f.Changed, "changed", 0, "per cent with another department, title and phone")
	flags.Float64Var(&f.Renamed, "renamed", 0, "per cent with another family name, login and address")
	flags.Float64Var(&f.Gone, "gone", 0, "per cent left out")
	flags.Float64Var(&f.New, "new", 0, "per cent added at the end")
	flags.BoolVar(&f.Scatter, "scatter", false, "in a scattered order")
	flags.BoolVar(&f.XML, "xml", false, "as XML")
	flags.BoolVar(&f.Members, "members", false, "with memberships; not as XML")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if f.People == 0 || f.XML && f.Members || f.Changed+f.Renamed+f.Gone > 100 || min(f.Changed, f.Renamed, f.Gone, f.New) < 0 {
		return fmt.Errorf("there is no such feed: %+v", f)
	}
	known, err := f.Write(os.Stdout)
	fmt.Fprintf(os.Stderr, "%+v\n", known)
	return err
}
