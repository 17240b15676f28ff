package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/guard"
	"rollcall/internal/password"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/secret"
)

// small is the least that a profile has to say.
const small = "source: {type: dir, path: /srv/drops/*.csv}\nformat: {content: full}\n"

// site writes a site into a folder of its own and gives the path of its file.
// files are pairs of name and text.
func site(t *testing.T, rollcall string, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "rollcall.yaml"), rollcall)
	for i := 0; i < len(files); i += 2 {
		write(t, filepath.Join(dir, "profiles.d", files[i]), files[i+1])
	}
	return filepath.Join(dir, "rollcall.yaml")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// loaded loads a site that has nothing wrong with it.
func loaded(t *testing.T, path string) *Site {
	t.Helper()
	s, errs := load(path, now, nil)
	if len(errs) > 0 {
		t.Fatalf("errors:\n%v", errs)
	}
	return s
}

// codes gives place and code of each error, like "rollcall.yaml:2:3 C101".
func codes(errs Errors) []string {
	var all []string
	for _, e := range errs {
		all = append(all, fmt.Sprintf("%s:%d:%d %s", filepath.Base(e.File), e.Line, e.Col, e.Code))
	}
	return all
}

func TestAnEmptySiteHasTheDefaultsOfTheContract(t *testing.T) {
	path := site(t, "")
	s := loaded(t, path)
	dir := filepath.Dir(path)

	want := &Site{
		Path: path, Dir: dir, Zone: time.UTC,
		Version: 1, Database: "sqlite:" + dir + "/state/rollcall.db", State: dir + "/state", Profiles: dir + "/profiles.d",
		Mode: "live", Timezone: "UTC", Language: "en",
		Accounts: Accounts{Standardise: "on", HoldNames: 90 * 24 * time.Hour, PasswordHash: "argon2id", PasswordPolicy: password.DefaultPolicy()},
		Sweep:    Interval(5 * time.Minute),
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("site = %+v\nwant   %+v", s, want)
	}
}

func TestTheSmallestProfileHasTheDefaultsOfTheContract(t *testing.T) {
	s := loaded(t, site(t, "timezone: Europe/Warsaw\n", "staff.yaml", small))
	p, err := s.Profile("staff")
	if err != nil {
		t.Fatal(err)
	}

	if !p.Enabled || !p.Schedule.IsZero() || p.Zone.String() != "Europe/Warsaw" || p.UniqueEmail != "on" {
		t.Errorf("profile = %+v, want it enabled, by hand only, in the site's zone, with unique addresses", p)
	}
	if got, want := p.Source.Settle, 2*time.Minute; got != want {
		t.Errorf("settle = %v, want %v", got, want)
	}
	if got, want := p.Source.MaxSize, int64(512<<20); got != want {
		t.Errorf("max_size = %d, want %d", got, want)
	}
	if want := plan.DefaultPolicy(); !reflect.DeepEqual(p.Policy, want) {
		t.Errorf("policy = %+v, want %+v", p.Policy, want)
	}
	if want := guard.DefaultLimits(); !reflect.DeepEqual(p.Guardrails, want) {
		t.Errorf("guardrails = %+v, want %+v", p.Guardrails, want)
	}
	if want := []roster.Field{roster.Username, roster.FirstName, roster.LastName, roster.Email}; !slices.Equal(p.Required, want) {
		t.Errorf("required = %v, want %v", p.Required, want)
	}
	if want := (Report{When: "changes", Attach: "problems", PersonalData: "ids"}); !reflect.DeepEqual(p.Report, want) {
		t.Errorf("report = %+v, want %+v", p.Report, want)
	}
}

func TestPathsAreRelativeToTheFileThatNamesThem(t *testing.T) {
	path := site(t, "state: ../var\nprofiles: profiles.d\ndatabase: sqlite:accounts.db\n",
		"a.yaml", "source: {type: dir, path: drops/*.csv}\nformat: {content: full}\n",
		"b.yaml", `source: {type: sftp, host: h, user: u, key: {file: k/id}, known_hosts: hosts, path: out/*.csv}`+"\nformat: {content: full}\n")
	s := loaded(t, path)
	dir := filepath.Dir(path)
	a, b := s.Loaded[0], s.Loaded[1]

	for _, tt := range []struct{ what, got, want string }{
		{"state", s.State, filepath.Join(filepath.Dir(dir), "var")},
		{"database", s.Database, "sqlite:" + filepath.Join(filepath.Dir(dir), "var", "accounts.db")},
		{"a dir's path", a.Source.Path, dir + "/profiles.d/drops/*.csv"},
		{"a server's path", b.Source.Path, "out/*.csv"},
		{"known_hosts", b.Source.KnownHosts, dir + "/profiles.d/hosts"},
		{"a key's file", b.Source.Key.File, dir + "/profiles.d/k/id"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s = %q, want %q", tt.what, tt.got, tt.want)
		}
	}
}

func TestTheSystemsOwnSiteKeepsItsStateInVar(t *testing.T) {
	s := defaultSite()
	s.Dir = "/etc/rollcall"
	s.settle(&document{marks: map[string]mark{}, failed: map[string]bool{}})
	if got, want := s.State, "/var/lib/rollcall"; got != want {
		t.Errorf("state = %q, want %q", got, want)
	}
}

func TestTheFileIsFoundByFlagThenEnvironmentThenFolder(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"flag", "env", "here", "etc"} {
		write(t, at(name), "")
	}
	none := at("none")

	tests := []struct {
		name, flag, env string
		places          []string
		want, wrong     string
	}{
		{"the flag first", at("flag"), at("env"), []string{at("here"), at("etc")}, at("flag"), ""},
		{"then the environment", "", at("env"), []string{at("here"), at("etc")}, at("env"), ""},
		{"then this folder", "", "", []string{at("here"), at("etc")}, at("here"), ""},
		{"then the system", "", "", []string{none, at("etc")}, at("etc"), ""},
		{"a flag that names nothing is an error, not a reason to look on", none, at("env"), []string{at("here")}, "", "no such file or directory, and --config names it"},
		{"so is the environment", "", none, []string{at("here")}, "", "ROLLCALL_CONFIG names it"},
		{"a folder is no file", dir, "", nil, "", "is a folder"},
		{"nowhere", "", "", []string{none, at("none2")}, "", "neither ./" + none + " nor " + at("none2")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := find(tt.flag, tt.env, tt.places...)
			if got != tt.want || (err == nil) != (tt.wrong == "") {
				t.Fatalf("find = %q, %v, want %q", got, err, tt.want)
			}
			if err == nil {
				return
			}
			if es, ok := err.(Errors); !ok || !es.Failed() {
				t.Errorf("the error is a %T, want Errors", err)
			}
			if !strings.Contains(err.Error(), tt.wrong) || !strings.Contains(err.Error(), "rollcall init") {
				t.Errorf("error = %q, want it to say %q and rollcall init", err, tt.wrong)
			}
		})
	}
}

func TestABrokenProfileDoesNotHideTheOthersErrors(t *testing.T) {
	path := site(t, "swep: 5m\n",
		"a.yaml", "source: [\n",
		"b.yaml", small+"polcy: {}\n",
		"c.yaml", "\xff\xfe",
		"d.yaml", small)
	_, err := Load(path)
	errs, ok := err.(Errors)
	if !ok {
		t.Fatalf("Load = %v, want Errors", err)
	}
	want := []string{"rollcall.yaml:1:1 C101", "a.yaml:2:1 C104", "b.yaml:3:1 C101", "c.yaml:1:1 C104"}
	if got := codes(errs); !slices.Equal(got, want) {
		t.Errorf("errors = %v, want %v", got, want)
	}
}

func TestProfilesAreNamedByTheirFiles(t *testing.T) {
	long := strings.Repeat("x", 40)
	path := site(t, "",
		"hr-csv.yaml", small, long+".yaml", small, "2.yaml", small,
		"Staff.yaml", small, long+"y.yaml", small, "a_b.yaml", small, ".yaml", small,
		"staff.yml", small, "notes.txt", "x: [", "#old.yaml#", "x: [", ".#hr.yaml", "x: [")
	s, errs := load(path, now, nil)

	var names []string
	for _, p := range s.Loaded {
		names = append(names, p.Name)
	}
	if want := []string{"2", "hr-csv", long}; !slices.Equal(names, want) {
		t.Errorf("profiles = %v, want %v", names, want)
	}
	want := []string{"Staff.yaml:0:0 C100", "a_b.yaml:0:0 C100", "staff.yml:0:0 C100", long + "y.yaml:0:0 C100"}
	if got := codes(errs); !slices.Equal(got, want) {
		t.Errorf("errors = %v, want %v", got, want)
	}
	if errs[2].Severity != roster.SeverityWarning {
		t.Errorf("a .yml file is a %s, want a warning", errs[2].Severity)
	}
}

func TestAFolderOfProfilesThatIsNamedMustBeThere(t *testing.T) {
	loaded(t, site(t, ""))
	_, errs := load(site(t, "version: 1\nprofiles: feeds\n"), now, nil)
	if got, want := codes(errs), []string{"rollcall.yaml:2:11 C100"}; !slices.Equal(got, want) {
		t.Errorf("errors = %v, want %v", got, want)
	}
}

func TestWarningsDoNotStopASite(t *testing.T) {
	s, err := Load(site(t, "authority: {email: [nobody]}\n", "a.yaml", small))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := codes(s.Warnings), []string{"rollcall.yaml:1:21 C306"}; !slices.Equal(got, want) {
		t.Errorf("warnings = %v, want %v", got, want)
	}
}

func TestAProfileThatDoesNotExistHasANeighbour(t *testing.T) {
	s := loaded(t, site(t, "", "hr-csv.yaml", small, "ad-staff.yaml", small))
	for name, want := range map[string]string{
		"hr-cvs": `did you mean "hr-csv"?`,
		"x":      "profiles: ad-staff, hr-csv",
	} {
		_, err := s.Profile(name)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Profile(%q) = %v, want %q", name, err, want)
		}
	}
}

// The reference files are the first documentation that anybody reads.
func TestTheReferenceIsValidAndShowsEveryKey(t *testing.T) {
	path := site(t, Reference, "hr-csv.yaml", ReferenceProfile, "ad-staff.yaml", small)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "catalog.yaml"), []byte(ReferenceCatalog), 0o600); err != nil {
		t.Fatal(err)
	}
	s := loaded(t, path)
	if len(s.Loaded) != 2 {
		t.Fatalf("%d profiles, want 2", len(s.Loaded))
	}
	for text, typ := range map[string]reflect.Type{Reference: reflect.TypeFor[Site](), ReferenceProfile: reflect.TypeFor[Profile](), ReferenceCatalog: reflect.TypeFor[catalogFile]()} {
		d := &document{marks: map[string]mark{}, failed: map[string]bool{}, built: typ == reflect.TypeFor[catalogFile]()}
		d.parse([]byte(text))
		d.decode(d.root, reflect.New(typ).Elem(), "", 0)
		for _, path := range keysOf(typ, "") {
			last := path[strings.LastIndexByte(path, '.')+1:]
			if !d.has(path) && !strings.Contains(text, "# "+last+": ") && !strings.Contains(text, last+": ") {
				t.Errorf("the reference does not show %s", path)
			}
		}
	}
}

// keysOf lists the keys of a struct and of the structs in it.
func keysOf(t reflect.Type, path string) []string {
	var all []string
	for name, i := range fieldsOf(t) {
		sub := join(path, name)
		f := t.Field(i).Type
		for f.Kind() == reflect.Pointer || f.Kind() == reflect.Map {
			f = f.Elem()
		}
		if f.Kind() == reflect.Struct && len(fieldsOf(f)) > 0 && f != reflect.TypeFor[secret.Ref]() {
			all = append(all, keysOf(f, sub)...)
		} else {
			all = append(all, sub)
		}
	}
	return all
}

func TestAFileThatCannotBeReadIsNamed(t *testing.T) {
	path := site(t, "", "a.yaml", small)
	if err := os.Mkdir(filepath.Join(filepath.Dir(path), "profiles.d", "b.yaml"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(filepath.Dir(path), "profiles.d", "c.yaml")); err != nil {
		t.Fatal(err)
	}
	_, errs := load(path, now, nil)
	if got, want := codes(errs), []string{"b.yaml:0:0 C100", "c.yaml:0:0 C100"}; !slices.Equal(got, want) {
		t.Errorf("errors = %v, want %v\n%v", got, want, errs)
	}

	for i, want := range []string{"put a file in its place", "the link leads to nothing"} {
		if !strings.Contains(errs[i].Hint, want) {
			t.Errorf("what to do about %v: %q, want %q", errs[i], errs[i].Hint, want)
		}
	}

	_, err := Load(filepath.Join(t.TempDir(), "rollcall.yaml"))
	if errs, ok := err.(Errors); !ok || !strings.Contains(errs.Error(), "rollcall.yaml: error: no such file or directory [C100]") {
		t.Errorf("Load of nothing = %v", err)
	}
}

func TestALongLineIsShownAroundItsPlace(t *testing.T) {
	_, d := read("{texts: [" + strings.Repeat("żółw, ", 100) + "x], nmber: 1, text: " + strings.Repeat("y", 500) + "}")
	lines := strings.Split(d.errs.Error(), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines, want 3:\n%v", len(lines), d.errs)
	}
	source, caret := []rune(lines[1]), []rune(lines[2])
	if len(source) > 130 {
		t.Errorf("the line has %d characters", len(source))
	}
	at := slices.Index(caret, '^')
	if got := string(source[at : at+5]); got != "nmber" {
		t.Errorf("the caret stands under %q, want nmber:\n%v", got, d.errs)
	}
}

func TestAProfileWithErrorsIsLeftOutAndKeepsNobodyFromTheOthers(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"rollcall.yaml":        "version: 1\n",
		"profiles.d/good.yaml": "source: {type: dir, path: ../in/*.csv}\nformat: {content: full}\n",
		"profiles.d/bad.yaml":  "source: {tipe: dir}\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := LoadSound(filepath.Join(dir, "rollcall.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Profile("good"); err != nil || len(s.Loaded) != 1 {
		t.Errorf("good: %v, %d loaded", err, len(s.Loaded))
	}
	var found Errors
	if _, err := s.Profile("bad"); !errors.As(err, &found) || !strings.Contains(found.Error(), "tipe") {
		t.Errorf("bad: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rollcall.yaml"), []byte("versoin: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSound(filepath.Join(dir, "rollcall.yaml")); err == nil {
		t.Error("an error in rollcall.yaml itself stops nobody")
	}
}
