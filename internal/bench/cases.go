package main

import "fmt"

// A setup is how a case configures the profile.
type setup string

const (
	asCSV     setup = "csv"
	csvEdited setup = "csv-edited" // its map says one thing more, by which nothing changes
	asXML     setup = "xml"
	xmlEdited setup = "xml-edited"
	asMembers setup = "members"
)

var setups = []setup{asCSV, csvEdited, asXML, xmlEdited, asMembers}

// A kase is one row of the tables.
type kase struct {
	name   string
	setup  setup
	feed   Feed   // its People are set when it is run
	from   string // the state in which it begins: empty, or the setup of a first load
	before []call // what must have happened first; not measured
	calls  []call // what is measured
	again  bool   // a repeat may begin where the last one ended: nothing has changed
	newEnd bool   // the file gets an empty line more before each repeat, so that its bytes are others
	sql    string // the expert's side of it: sync, revert or ""
	want   func(Known, Feed) outcome
	large  bool // measured above two million people too
	slow   bool // takes minutes with a million, and no goal speaks of it: measured once there
	small  bool // likewise: not measured there
}

// A call is one command of the program. FILE stands for the feed.
type call struct {
	args  []string
	exits []int
}

func run(args ...string) call {
	return call{args: append([]string{"run", "bench", "--file", "FILE"}, args...)}
}

func (c call) ends(exits ...int) call { c.exits = exits; return c }

// An outcome is what the journal must say of the last run.
type outcome struct {
	Status string
	Rows   map[string]int // those that are not zero
	Absent map[string]int
	Active int // accounts afterwards
}

// synced is the outcome of a run that applied a feed to the people before it.
func synced(k Known, f Feed) outcome {
	o := outcome{
		Status: "ok",
		Rows: map[string]int{
			"read": k.Rows, "added": k.New, "updated": k.Changed, "renamed": k.Renamed, "unchanged": k.Rows - k.New - k.Changed - k.Renamed,
		},
		Absent: map[string]int{"total": k.Gone, "suspended": k.Gone},
		Active: int(f.People) - k.Gone + k.New,
	}
	if k.Changed+k.Renamed+k.New+k.Gone == 0 {
		o.Status = "unchanged"
	}
	return o
}

func loaded(k Known, _ Feed) outcome {
	return outcome{Status: "ok", Rows: map[string]int{"read": k.Rows, "added": k.Rows}, Active: k.Rows}
}

// heldBack is synced, before anybody has approved it.
func heldBack(k Known, f Feed) outcome {
	o := synced(k, f)
	o.Status = "held"
	return o
}

func takenBack(_ Known, f Feed) outcome {
	return outcome{Status: "ok", Rows: map[string]int{"read": int(f.People), "deleted": int(f.People)}}
}

var (
	held    = run().ends(11)
	approve = call{args: []string{"held", "approve", "last", "--reason", "bench"}}
	revert  = call{args: []string{"runs", "revert", "1", "--reason", "bench", "--yes"}, exits: []int{11}}
	mixed   = Feed{Changed: 1, Gone: 0.5, New: 0.5, Renamed: 0.1}
)

// cases are the tables, in their order. The first of each format makes the
// state in which the others begin.
var cases = []kase{
	{name: "first load", setup: asCSV, from: "empty", calls: []call{run("--yes")}, sql: "sync", want: loaded, large: true},
	{name: "byte-identical drop", setup: asCSV, from: "csv", calls: []call{run()}, again: true, want: synced, large: true},
	{name: "nothing changed", setup: asCSV, from: "csv", calls: []call{run()}, again: true, newEnd: true, sql: "sync", want: synced, large: true},
	{name: "nothing changed, scattered order", setup: asCSV, from: "csv", feed: Feed{Scatter: true}, calls: []call{run()}, sql: "sync", want: synced, large: true},
	{name: "1 % changed", setup: asCSV, from: "csv", feed: Feed{Changed: 1}, calls: []call{run()}, sql: "sync", want: synced},
	{name: "1 % leavers", setup: asCSV, from: "csv", feed: Feed{Gone: 1}, calls: []call{run()}, sql: "sync", want: synced},
	{name: "mixed day", setup: asCSV, from: "csv", feed: mixed, calls: []call{run()}, sql: "sync", want: synced, large: true},
	{name: "mixed day, scattered order", setup: asCSV, from: "csv", feed: scattered(mixed), calls: []call{run()}, sql: "sync", want: synced},
	{name: "mapping edit that changes nothing", setup: csvEdited, from: "csv", calls: []call{run()}, newEnd: true, sql: "sync", want: synced},
	{name: "a fifth has left: held", setup: asCSV, from: "csv", feed: Feed{Gone: 20}, calls: []call{held}, want: heldBack},
	{name: "approve it", setup: asCSV, from: "csv", feed: Feed{Gone: 20}, before: []call{held}, calls: []call{approve}, want: synced, slow: true},
	{name: "revert the first load", setup: asCSV, from: "csv", calls: []call{revert, approve}, sql: "revert", want: takenBack, slow: true},
	{name: "XML: first load", setup: asXML, from: "empty", feed: Feed{XML: true}, calls: []call{run("--yes")}, want: loaded},
	{name: "XML: nothing changed", setup: asXML, from: "xml", feed: Feed{XML: true}, calls: []call{run()}, again: true, newEnd: true, want: synced},
	{name: "XML: mixed day", setup: asXML, from: "xml", feed: asElements(mixed), calls: []call{run()}, want: synced},
	{name: "XML: mapping edit that changes nothing", setup: xmlEdited, from: "xml", feed: Feed{XML: true}, calls: []call{run()}, newEnd: true, want: synced},
	{name: "memberships: first load", setup: asMembers, from: "empty", feed: Feed{Members: true}, calls: []call{run("--yes")}, want: loaded, small: true},
	{name: "memberships: nothing changed", setup: asMembers, from: "members", feed: Feed{Members: true}, calls: []call{run()}, again: true, newEnd: true, want: synced, small: true},
	{name: "memberships: mixed day", setup: asMembers, from: "members", feed: withMembers(mixed), calls: []call{run()}, want: synced, small: true},
}

func scattered(f Feed) Feed   { f.Scatter = true; return f }
func asElements(f Feed) Feed  { f.XML = true; return f }
func withMembers(f Feed) Feed { f.Members = true; return f }

// profile is the profile of a setup.
func (s setup) profile() string {
	format, suffix, title := "{content: full}", "csv", "JobTitle"
	if s == asXML || s == xmlEdited {
		format, suffix = "{type: xml, record: /people/person, content: full}", "xml"
	}
	if s == csvEdited || s == xmlEdited {
		title = "{from: JobTitle, default: Staff}" // everybody has one
	}
	members := ""
	if s == asMembers {
		members = "  cohorts: {numbered: on}\n  enrolments: {numbered: on}\n  programs: {numbered: on}\n  sessions: {numbered: on}\n  roles: {numbered: on}\n"
	}
	return fmt.Sprintf(`version: 1
source: {type: dir, path: "*.%s", max_size: 16GB}
format: %s
match: {key: employee_id}
map:
  employee_id: PersonNo
  username: Login
  first_name: GivenName
  last_name: FamilyName
  email: WorkEmail
  department: Department
  title: %s
  manager: ManagerNo
  city: City
  country: Country
  phone1: Phone
  starts_on: HireDate
  expires_on: EndDate
  status: {from: Status, values: {A: active}}
  institution: Company
  description: Desk
%spolicy: {missing: suspend}
`, suffix, format, title, members)
}
