package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A colleague is one row of the demo's HR file. All of them are invented.
type colleague struct {
	no, given, family, email, department, title, phone, status, end string

	woman bool
}

// The demo's names: a family name that has two forms is written woman/man.
var (
	women    = strings.Fields("Zofia Małgorzata Agnieszka Józefina Świętosława Ayşe Zeynep Gülşen Çiğdem İpek Åsa Märta Ingrid Solveig Øydis Þóra Jasmin Käthe Agnès Zoé Lucía Inés Žofie Eliška Ana Chloë")
	men      = strings.Fields("Łukasz Michał Paweł Grzegorz Błażej Çağrı Şükrü Oğuz Görkem İlker Søren Bjørn Håkon Göran Jürgen Jörg François Rémi José Ángel Tomáš Jiří Ján Luis Émile Noël")
	families = strings.Fields("Wiśniewska/Wiśniewski Kowalska/Kowalski Dąbrowska/Dąbrowski Król Żak Wójcik Zając Łapińska/Łapiński Yıldırım Öztürk Çelik Şahin Güneş Aydoğan Ørsted Ångström Björk Håkansson Sjöberg Lindqvist Kjærgaard Nygård Müller Schröder Weiß Lefèvre Gauthier Núñez Ibáñez Dvořáková/Dvořák Nováková/Novák Procházková/Procházka Østergård Bąk")
)

// posts are the departments with what people do there.
var posts = []struct {
	department string
	titles     []string
}{
	{"Administration", []string{"Accountant", "Clerk", "Payroll officer"}},
	{"Cardiology", []string{"Nurse", "Nurse", "Physician"}},
	{"Emergency", []string{"Nurse", "Paramedic", "Physician"}},
	{"ICU", []string{"Nurse", "Nurse", "Physician"}},
	{"Kitchen", []string{"Cook", "Dietitian"}},
	{"Paediatrics", []string{"Nurse", "Physician", "Play therapist"}},
	{"Pharmacy", []string{"Pharmacist", "Assistant"}},
	{"Radiology", []string{"Radiographer", "Physician"}},
}

// staff invents people, the same each time, numbered from first on. Nobody's
// address is in taken, where all of them are noted.
func staff(n, first int, today time.Time, taken map[string]bool) []colleague {
	r := rand.New(rand.NewPCG(300, uint64(first)))
	all := make([]colleague, n)
	for i := range all {
		c := colleague{no: fmt.Sprintf("%06d", first+i), woman: r.IntN(5) < 3, status: "A"}
		c.given = pick(r, men)
		if c.woman {
			c.given = pick(r, women)
		}
		c.marry(pick(r, families), taken)
		post := posts[r.IntN(len(posts))]
		c.department, c.title = post.department, pick(r, post.titles)
		if r.IntN(10) < 8 {
			c.phone = fmt.Sprintf("+48 22 555 %04d", r.IntN(10000))
		}
		switch r.IntN(20) {
		case 0, 1, 2:
			c.end = day(today.AddDate(0, 0, 60+r.IntN(700)))
		case 3:
			if i%2 == 0 {
				c.status = "L"
			}
		}
		all[i] = c
	}
	return all
}

// marry gives a person a family name and the address that goes with it.
func (c *colleague) marry(family string, taken map[string]bool) {
	hers, his, two := strings.Cut(family, "/")
	c.family = hers
	if two && !c.woman {
		c.family = his
	}
	name := strings.ToLower(plainly.Replace(c.given) + "." + plainly.Replace(c.family))
	for n := 1; ; n++ {
		c.email = name + "@clinic.example"
		if n > 1 {
			c.email = fmt.Sprintf("%s%d@clinic.example", name, n)
		}
		if !taken[c.email] {
			taken[c.email] = true
			return
		}
	}
}

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// day is a date as the demo's HR writes it.
func day(t time.Time) string { return t.Format("02.01.2006") }

// roll is a whole file of people, as HR exports it: by department.
func roll(people []colleague) []string {
	people = slices.Clone(people)
	slices.SortStableFunc(people, func(a, b colleague) int { return strings.Compare(a.department, b.department) })
	lines := []string{"PersonNo;GivenName;FamilyName;WorkEmail;Department;JobTitle;Phone;Status;EndDate"}
	for _, c := range people {
		lines = append(lines, strings.Join([]string{c.no, c.given, c.family, c.email, c.department, c.title, c.phone, c.status, c.end}, ";"))
	}
	return lines
}

// ewas is the family name that HR forgets on the first day.
const ewas = "Zielińska"

// firstDay is HR's first file: 300 people, and a few rows with something wrong.
func firstDay(today time.Time, taken map[string]bool) []colleague {
	people := staff(300, 100, today, taken)
	for i := range 40 { // the ones that the story is about
		people[i].status, people[i].end = "A", ""
	}
	people[0].woman, people[0].given = true, "Ewa"
	people[0].marry(ewas, taken)
	people[0].family = "" // what HR forgot
	people[1].email = strings.Replace(people[1].email, "@", "(at)", 1)
	people[2].end = "31.02." + today.AddDate(1, 0, 0).Format("2006")
	people[4].end = day(today.AddDate(0, 0, -10))
	again := people[3]
	again.given, again.email = "Marek", "marek."+again.email
	return append(people, again)
}

// secondDay is what HR has made of it a day later.
func secondDay(before []colleague, today time.Time, taken map[string]bool) []colleague {
	people := slices.Clone(before)
	people[0].family = ewas // two mistakes are corrected
	people[1].email = strings.Replace(people[1].email, "(at)", "@", 1)
	people[4].end = day(today.AddDate(1, 0, 0)) // a contract is prolonged
	for i, post := range []int{3, 1, 6} {       // movers
		c := &people[10+i]
		if c.department == posts[post].department {
			post++
		}
		c.department, c.title = posts[post].department, posts[post].titles[0]
	}
	bride := 13 + slices.IndexFunc(people[13:], func(c colleague) bool { return c.woman && c.family != "Żak" })
	people[bride].marry("Żak", taken)
	people[30].status = "L"
	people[31].status = "T" // marked as a leaver; the next three are just gone
	people = slices.Delete(people, 32, 35)
	return append(people, staff(4, 500, today, taken)...)
}
