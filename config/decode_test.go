package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/guard"
	"rollcall/internal/mapping"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/secret"
)

// every has a field of each type that a configuration is made of.
type every struct {
	Text     string                    `yaml:"text"`
	Texts    []string                  `yaml:"texts"`
	Table    map[string]string         `yaml:"table"`
	Flag     bool                      `yaml:"flag"`
	Maybe    *bool                     `yaml:"maybe"`
	Number   int                       `yaml:"number"`
	Optional *int                      `yaml:"optional"`
	Size     int64                     `yaml:"size"`
	Share    float64                   `yaml:"share"`
	Time     time.Duration             `yaml:"time"`
	Field    roster.Field              `yaml:"field"`
	Secret   secret.Ref                `yaml:"secret"`
	Columns  map[string]mapping.Column `yaml:"columns"`
	Fallback plan.Fallback             `yaml:"fallback"`
	Limit    guard.Limit               `yaml:"limit"`
	Limits   map[string]guard.Limit    `yaml:"limits"`
	Schedule Schedule                  `yaml:"schedule"`
	Interval Interval                  `yaml:"interval"`
	Switch   Switch                    `yaml:"switch"`
	Inner    struct {
		Name string `yaml:"name"`
	} `yaml:"inner"`
	Hidden string `yaml:"-"`
}

// read decodes a text into a value that has the defaults of guardrails.
func read(text string) (*every, *document) {
	e := &every{
		Limit:  guard.Limit{Percent: 5, Floor: 7},
		Limits: map[string]guard.Limit{"default": {Percent: 30, Floor: 20}},
	}
	d := &document{file: "x.yaml", marks: map[string]mark{}, failed: map[string]bool{}}
	d.parse([]byte(text))
	if d.root != nil {
		d.decode(d.root, reflect.ValueOf(e).Elem(), "", 0)
	}
	return e, d
}

func TestValuesAreReadByWhatTheyAreFor(t *testing.T) {
	on, seven, off := true, 7, false
	tests := []struct {
		text string
		get  func(*every) any
		want any
	}{
		{"text: 000123", func(e *every) any { return e.Text }, "000123"},
		{"text: 0123", func(e *every) any { return e.Text }, "0123"},
		{"text: 1.10", func(e *every) any { return e.Text }, "1.10"},
		{"text: 0x1F", func(e *every) any { return e.Text }, "0x1F"},
		{"text: 1_000", func(e *every) any { return e.Text }, "1_000"},
		{"text: 1e3", func(e *every) any { return e.Text }, "1e3"},
		{"text: no", func(e *every) any { return e.Text }, "no"},
		{"text: true", func(e *every) any { return e.Text }, "true"},
		{"text: 2026-11-22", func(e *every) any { return e.Text }, "2026-11-22"},
		{"text: 12:30", func(e *every) any { return e.Text }, "12:30"},
		{`text: ""`, func(e *every) any { return e.Text }, ""},
		{"texts: [007, on, 1.0, null2]", func(e *every) any { return e.Texts }, []string{"007", "on", "1.0", "null2"}},
		{"texts: []", func(e *every) any { return e.Texts }, []string{}},
		{"table: {1: 01, true: yes, 0x1: a, 1.50: b}", func(e *every) any { return e.Table }, map[string]string{"1": "01", "true": "yes", "0x1": "a", "1.50": "b"}},
		{"flag: on", func(e *every) any { return e.Flag }, true},
		{"flag: true", func(e *every) any { return e.Flag }, true},
		{"flag: off", func(e *every) any { return e.Flag }, false},
		{"flag: false", func(e *every) any { return e.Flag }, false},
		{"maybe: on", func(e *every) any { return e.Maybe }, &on},
		{"maybe: off", func(e *every) any { return e.Maybe }, &off},
		{"text: a", func(e *every) any { return e.Maybe }, (*bool)(nil)},
		{"number: 010", func(e *every) any { return e.Number }, 10},
		{"number: -3", func(e *every) any { return e.Number }, -3},
		{"optional: 7", func(e *every) any { return e.Optional }, &seven},
		{"size: 512MB", func(e *every) any { return e.Size }, int64(512 << 20)},
		{"size: 64KiB", func(e *every) any { return e.Size }, int64(64 << 10)},
		{"size: 2 GB", func(e *every) any { return e.Size }, int64(2 << 30)},
		{"size: 1000", func(e *every) any { return e.Size }, int64(1000)},
		{"share: 2.5", func(e *every) any { return e.Share }, 2.5},
		{"time: 90d", func(e *every) any { return e.Time }, 90 * 24 * time.Hour},
		{"time: 4w", func(e *every) any { return e.Time }, 28 * 24 * time.Hour},
		{"time: 96h", func(e *every) any { return e.Time }, 96 * time.Hour},
		{"time: 15m", func(e *every) any { return e.Time }, 15 * time.Minute},
		{"time: 2s", func(e *every) any { return e.Time }, 2 * time.Second},
		{"time: 250ms", func(e *every) any { return e.Time }, 250 * time.Millisecond},
		{"time: 1d12h", func(e *every) any { return e.Time }, 36 * time.Hour},
		{"field: last_name", func(e *every) any { return e.Field }, roster.LastName},
		{"secret: {env: HR_PASSWORD}", func(e *every) any { return e.Secret }, secret.Ref{Env: "HR_PASSWORD"}},
		{
			"columns: {email: Mail, city: {from: Town, set: once}}", func(e *every) any { return e.Columns },
			map[string]mapping.Column{"email": {From: "Mail"}, "city": {From: "Town", Set: roster.SetOnce}},
		},
		{"columns: {employee_id: 007}", func(e *every) any { return e.Columns["employee_id"].From }, "007"},
		{"fallback: username", func(e *every) any { return e.Fallback }, plan.Fallback{By: "username"}},
		{"fallback: {by: username, rekey: on}", func(e *every) any { return e.Fallback }, plan.Fallback{By: "username", Rekey: true}},
		{"limit: 10%", func(e *every) any { return e.Limit }, guard.Limit{Percent: 10, NoFloor: true}},
		{"limit: 2.5%", func(e *every) any { return e.Limit }, guard.Limit{Percent: 2.5, NoFloor: true}},
		{"limit: 20", func(e *every) any { return e.Limit }, guard.Limit{Floor: 20}},
		{`limit: "20"`, func(e *every) any { return e.Limit }, guard.Limit{Floor: 20}},
		{"limit: {percent: 9, floor: 9}", func(e *every) any { return e.Limit }, guard.Limit{Percent: 9, Floor: 9}},
		{"limit: {percent: 9}", func(e *every) any { return e.Limit }, guard.Limit{Percent: 9, Floor: 7}},
		{"limits: 40%", func(e *every) any { return e.Limits }, map[string]guard.Limit{"default": {Percent: 40, NoFloor: true}}},
		{
			"limits: {city: 100%}", func(e *every) any { return e.Limits },
			map[string]guard.Limit{"default": {Percent: 30, Floor: 20}, "city": {Percent: 100, NoFloor: true}},
		},
		{
			"limits: {city: {percent: 50}, default: 10}", func(e *every) any { return e.Limits },
			map[string]guard.Limit{"default": {Floor: 10}, "city": {Percent: 50, Floor: 20}},
		},
		{`schedule: "30 5 * * 1-5"`, func(e *every) any { return e.Schedule }, Schedule{Text: "30 5 * * 1-5", Cron: "30 5 * * 1-5"}},
		{`schedule: "@daily"`, func(e *every) any { return e.Schedule }, Schedule{Text: "@daily", Cron: "@daily"}},
		{"schedule: every 15m", func(e *every) any { return e.Schedule }, Schedule{Text: "every 15m", Every: 15 * time.Minute}},
		{"interval: every 5m", func(e *every) any { return e.Interval }, Interval(5 * time.Minute)},
		{"interval: 10s", func(e *every) any { return e.Interval }, Interval(10 * time.Second)},
		{"switch: true", func(e *every) any { return e.Switch }, Switch("on")},
		{"switch: warn", func(e *every) any { return e.Switch }, Switch("warn")},
		{"inner: {name: x}", func(e *every) any { return e.Inner.Name }, "x"},
		{"inner:\n", func(e *every) any { return e.Inner.Name }, ""},
		{"texts: &a [x, y]\ntable: {}\ninner: {name: &n z}\ntext: *n", func(e *every) any { return e.Text }, "z"},
		{"\xef\xbb\xbftext: a\r\nnumber: 3\r\n", func(e *every) any { return e.Number }, 3},
		{"# nothing\n", func(e *every) any { return e.Text }, ""},
		{"text: |\n  two\n  lines\n", func(e *every) any { return e.Text }, "two\nlines\n"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			e, d := read(tt.text)
			if len(d.errs) > 0 {
				t.Fatalf("errors:\n%v", d.errs)
			}
			if got := tt.get(e); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %#v, want %#v", got, tt.want)
			}
		})
	}
}

func TestWhatIsWrittenWronglyIsRefusedAtItsPlace(t *testing.T) {
	tests := []struct {
		text string
		want string // line:col code
		says string
	}{
		{"flag: yes", "1:7 C102", "write on"},
		{"flag: No", "1:7 C102", "write off"},
		{"flag: maybe", "1:7 C102", "wants on or off"},
		{"flag: [on]", "1:7 C102", "not a list"},
		{"maybe: yes", "1:8 C102", "write on"},
		{"number: 3.0", "1:9 C102", "whole number"},
		{"number: 0x10", "1:9 C102", "whole number"},
		{"number: 1_000", "1:9 C102", "whole number"},
		{"number: 99999999999999999999", "1:9 C102", "whole number"},
		{"size: 12 parsecs", "1:7 C102", "64KiB"},
		{"size: -1MB", "1:7 C102", "no size"},
		{"size: 9999999999GB", "1:7 C102", "no size"},
		{"share: .inf", "1:8 C102", "number"},
		{"share: .nan", "1:8 C102", "number"},
		{"time: 90", "1:7 C102", "write 90s, 90m, 90h or 90d"},
		{"time: 0", "1:7 C102", "without a unit"},
		{"time: -5m", "1:7 C102", "no duration"},
		{"time: 5 minutes", "1:7 C102", "no duration"},
		{"time: 5y", "1:7 C102", "no duration"},
		{"time: 200000w", "1:7 C102", "hundred years"},
		{"time: 99999999999999999999h", "1:7 C102", "no duration"},
		{`time: ""`, "1:7 C102", "no duration"},
		{"text:\n", "1:1 C102", "no value"},
		{"text: ~", "1:1 C102", "no value"},
		{"text: null", "1:1 C102", "no value"},
		{"texts:\n", "1:1 C102", "no value"},
		{"secret:\n", "1:1 C102", "no value"},
		{"columns: {email: }", "1:11 C102", "no value"},
		{"text: {a: b}", "1:7 C102", "a block of keys"},
		{"texts: a", "1:8 C102", "put it in brackets"},
		{"texts: {a: b}", "1:8 C102", "wants a list"},
		{"inner: x", "1:8 C102", "wants a block"},
		{"inner: [x]", "1:8 C102", "wants a block"},
		{"[a, b]", "1:1 C102", "the file wants a block of keys"},
		{"just words", "1:1 C102", "the file wants a block of keys"},
		{"text: !!str 12", "1:7 C102", "tag"},
		{"text: !ruby/object x", "1:7 C102", "tag"},
		{`text: "a\0b"`, "1:7 C102", "NUL"},
		{`text: "a\x1fb"`, "1:7 C102", "a control character"},
		{`table: {a: 1, "b\0": 2}`, "1:15 C102", "a key with a control character"},
		{`"te\x01xt": a`, "1:1 C102", "a key with a control character"},
		{"field: lastname", "1:8 C110", `did you mean "last_name"?`},
		{"field: status", "1:8 C110", "not an account field"},
		{"field: fields.birth_date", "1:8 C105", "not built yet"},
		{"field: roles", "1:8 C105", "not built yet"},
		{"limit: 5 percent", "1:8 C102", "write 5%"},
		{"limit: [5]", "1:8 C102", "wants a limit"},
		{"limit: {percent: many}", "1:18 C102", "number"},
		{"limit: {percnt: 5}", "1:9 C101", `did you mean "percent"?`},
		{`schedule: "61 5 * * *"`, "1:11 C102", "above maximum"},
		{`schedule: "5 * * *"`, "1:11 C102", "no schedule"},
		{`schedule: "0 0 30 2 *"`, "1:11 C102", "no such day"},
		{`schedule: "CRON_TZ=UTC 0 5 * * *"`, "1:11 C102", "under timezone"},
		{`schedule: "@every 5m"`, "1:11 C102", "every 15m"},
		{"schedule: every 15", "1:11 C102", "no schedule"},
		{"schedule: every 0s", "1:11 C102", "no schedule"},
		{"interval: every day", "1:11 C102", "no duration"},
		{"txet: a", "1:1 C101", `did you mean "text"?`},
		{"Text: a", "1:1 C101", `did you mean "text"?`},
		{"hidden: a", "1:1 C101", "known here"},
		{"Hidden: a", "1:1 C101", "known here"},
		{"inner: {nmae: a}", "1:9 C101", `unknown key "nmae" in inner`},
		{"secret_file: a", "1:1 C101", "write secret: {file: PATH}"},
		{"text: a\nnumber: 1\ntext: b", "3:1 C103", "the first is in line 1"},
		{"table: {a: 1, a: 2}", "1:15 C103", `"a" stands twice`},
		{"inner: {<<: {name: x}}", "1:9 C102", "<<"},
		{"? [a]\n: b", "1:3 C102", "a key is a single word"},
		{"text: a\n---\ntext: b", "2:1 C104", "second document"},
		{"text: a\n...\n---\n", "3:1 C104", "second document"},
		{"inner:\n\tname: x", "2:1 C104", "spaces"},
		{"inner:\n  \tname: x\n  foo: y", "2:3 C104", "spaces"},
		{"text: [a", "2:1 C104", "',' or ']'"},
		{"texts: [a\nnumber: 1\n", "2:7 C104", "begins in line 1"},
		{"text: a: b", "1:8 C104", "stands in quotes"},
		{"text: *none", "1:7 C104", "stands in quotes"},
		{"text: @x", "1:7 C104", "stands in quotes"},
		{"text: caf\xe9", "1:10 C104", "UTF-8"},
		{"number: 1\ntext: a\x01b", "2:8 C104", "control character"},
		{"\xff\xfet\x00", "1:1 C104", "UTF-8"},
		{"text: é\nü: 1", "2:1 C101", "unknown key"},
		{"inner: {é: 1, ü: 2}", "1:9 C101", "unknown key"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			_, d := read(tt.text)
			if len(d.errs) == 0 {
				t.Fatal("nothing is wrong")
			}
			e := d.errs.sorted()[0]
			if got := fmt.Sprintf("%d:%d %s", e.Line, e.Col, e.Code); got != tt.want {
				t.Errorf("place and code = %s, want %s\n%v", got, tt.want, e)
			}
			if !strings.Contains(e.String(), tt.says) {
				t.Errorf("error = %s\nwant it to say %q", e, tt.says)
			}
		})
	}
}

func TestColumnsCountCharacters(t *testing.T) {
	_, d := read(`{text: żółć, nmber: 1}`)
	want := `x.yaml:1:14: error: unknown key "nmber" [C101]` + "\n" +
		`   1 | {text: żółć, nmber: 1}` + "\n" +
		`     |              ^^^^^ did you mean "number"?`
	if got := d.errs.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAValueThatFailsLeavesTheDefault(t *testing.T) {
	e, d := read("limit: lots\noptional: none\nlimits: x\n")
	if len(d.errs) != 3 {
		t.Fatalf("%d errors, want 3:\n%v", len(d.errs), d.errs)
	}
	if want := (guard.Limit{Percent: 5, Floor: 7}); e.Limit != want {
		t.Errorf("limit = %v, want %v", e.Limit, want)
	}
	if e.Optional != nil {
		t.Errorf("optional = %v, want none", *e.Optional)
	}
	if want := (guard.Limit{Percent: 30, Floor: 20}); e.Limits["default"] != want {
		t.Errorf("limits = %v, want %v", e.Limits, want)
	}
}

func TestAFileHasBounds(t *testing.T) {
	bomb := "texts: &a [x]\ntable:\n"
	many := "texts: [" + strings.Repeat("x, ", 110_000) + "x]"
	aliases := "text: &a x\ntexts: [" + strings.Repeat("*a, ", 110_000) + "*a]"
	var billion strings.Builder
	billion.WriteString("x0: &x0 [lol]\n")
	for i := range 30 {
		fmt.Fprintf(&billion, "x%d: &x%d [%s*x%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*x%d, ", i), 9), i)
	}
	billion.WriteString("columns: {email: {values: *x30}}\ntexts: *x30\n")

	for _, tt := range []struct{ name, text, says string }{
		{"a large file", "text: " + strings.Repeat("x", 1<<20), "larger than 1 MiB"},
		{"many values", many, "too many values"},
		{"many aliases", aliases, "too many values"},
		{"an alias of aliases of aliases", billion.String(), "unknown key"},
		{"an alias of itself", "columns: &a {email: *a}", ""},
		{"deep nesting", "inner: " + strings.Repeat("[", 400_000), ""},
		{"deep nesting of keys", "inner: " + strings.Repeat("{name: ", 100_000), ""},
		{"many errors", strings.Repeat("texts: a\n", 50_000), "more errors than are shown"},
		{"a long line of secrets", "x: {" + strings.Repeat("password: a, ", 70_000) + "}", ""},
		{"a missing anchor", bomb + "  a: *b", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			began := time.Now()
			_, d := read(tt.text)
			all := d.errs.Error()
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
			if len(d.errs) == 0 || len(d.errs) > maxErrors+1 {
				t.Errorf("%d errors, want 1 to %d", len(d.errs), maxErrors+1)
			}
			if !strings.Contains(all, tt.says) {
				t.Errorf("errors do not say %q:\n%.2000s", tt.says, all)
			}
			if len(all) > 100_000 {
				t.Errorf("the errors take %d bytes", len(all))
			}
		})
	}
}

func TestWordsAreSuggestedWithinTwoEdits(t *testing.T) {
	known := []string{"host", "host_keys", "path", "pick", "to", "type", "user"}
	for word, want := range map[string]string{
		"hostkeys": "host_keys", "hots": "host", "typ": "type", "usr": "user", "pth": "path",
		"hostkey": "host_keys", "xyz": "", "": "", "t": "", "on": "", "a_very_long_word_that_is_nothing": "",
		strings.Repeat("x", 100_000): "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("nearest(%.20q) = %q, want %q", word, got, want)
		}
	}
	if got := edits("kitten", "sitting"); got != 3 {
		t.Errorf("edits = %d, want 3", got)
	}
	if got := edits("form", "from"); got != 1 {
		t.Errorf("edits of swapped letters = %d, want 1", got)
	}
}

// secrets are texts that nobody may see again.
var secrets = []string{"hunter2", "s3cr3t", "MIIEpAIBAAKCAQEA"}

func TestASecretInClearIsRefusedWithoutEcho(t *testing.T) {
	for _, text := range []string{
		"secret: hunter2",
		"secret: 'hunter2'",
		"secret: {hunter2: s3cr3t}",
		"secret: {hunter2}",
		"secret: {value: hunter2}",
		"secret: [hunter2]",
		"secret: {file: [hunter2]}",
		"secret: {env: hunter2!}",
		"secret: {env: a, env: hunter2}",
		"secret: {hunter2: a, hunter2: b}",
		"secret: *hunter2",
		"secret: &hunter2 s3cr3t",
		"secret: !hunter2 s3cr3t",
		"secret: @hunter2",
		"secret: %hunter2",
		"secret: `hunter2`",
		"secret: \"hunter2",
		"secret: hunter2: s3cr3t",
		"secret: [hunter2",
		"secret: |\n  -----BEGIN KEY-----\n  MIIEpAIBAAKCAQEA\n  -----END KEY-----\nnmber: 1",
		"secret: |\n  MIIEpAIBAAKCAQEA\n\tx: hunter2\n",
		"secret: >\n\n  hunter2\n\n  s3cr3t: [\n",
		"secret:\n  hunter2\n",
		"secret:\n  - hunter2\n  - [s3cr3t\n",
		"{secret: hunter2, nmber: 1}",
		"{nmber: 1, \"secret\": hunter2}",
		"? secret\n: hunter2\n",
		"inner: {password: hunter2, nmae: x}",
		"inner: {db_password: hunter2, nmae: x}",
		"inner: {Token: hunter2}",
		"inner: {api-key: hunter2, nmae: x}",
		"text: &a hunter2\nsecret: *a\nnmber: 1",
		"nmber: &a hunter2\nsecret: *a",
		"nmber: https://user:hunter2@example.org/",
		"inner: {url: 'https://user:hunter2@example.org/'}",
		"secret:\n\n# why\n  hunter2\nsecret:\n  s3cr3t",
	} {
		t.Run(text, func(t *testing.T) {
			_, d := read(text)
			if len(d.errs) == 0 {
				t.Fatal("nothing is wrong")
			}
			for _, s := range secrets {
				if all := d.errs.Error(); strings.Contains(all, s) {
					t.Errorf("the secret shows:\n%s", all)
				}
			}
		})
	}
}

func TestALineWithoutASecretIsShown(t *testing.T) {
	for _, text := range []string{
		"inner: {key: {credential: hr}, nmae: x}",
		"inner: {password: {file: /etc/pw}, nmae: x}",
		"{inner: {}, secret: {env: HR}, nmber: 1}",
		"# the password: is elsewhere\nnmber: 1",
		"secret: {file: x}\nnmber: 1",
		"{match: {key: employee_id, fallbak: username}}",
		"match: {key: employee_id, nmae: x}",
	} {
		_, d := read(text)
		if len(d.errs) == 0 || slices.ContainsFunc(d.errs, func(e Error) bool { return e.Source == "" }) {
			t.Errorf("%s\nerrors without their line:\n%v", text, d.errs)
		}
	}
}

func TestASecretSaysWhatToWrite(t *testing.T) {
	_, d := read("secret: hunter2")
	want := "x.yaml:1:9: error: secret holds a secret in clear [C106]\n" +
		"     | write secret: {file: PATH}, {env: NAME} or {credential: NAME}; and change the secret, it has been seen"
	if got := d.errs.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
