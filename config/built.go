package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"rollcall/internal/roster"
)

// notBuiltKeys are the keys of the contract that this version cannot do yet.
// They are refused by name. A * stands for one word, at the end for any rest.
// A line goes when its feature comes.
var notBuiltKeys = []struct{ path, what string }{
	// the site
	{"targets", "carrying accounts on to applications"},
	{"web", "the admin page"},
	{"retention", "clearing away old runs"},
	// source: other servers
	{"source.url", "a source of type https"},
	{"source.token", "a source of type https"},
	// source: more proof
	{"source.checksum", "a companion file"},
	{"source.answer", "handing problems back to the server"},
	{"source.decrypt", "decryption"},
	// guardrails
	{"guardrails.max_removals_day", "limits over a day"},
	{"guardrails.max_removals_week", "limits over a week"},
	// report
	{"report.digest", "mails that sum up several runs"},
	{"report.ping_url", "pings"},
	{"report.webhook", "webhooks"},
}

// notBuiltValues are values of built keys that this version cannot do yet.
var notBuiltValues = []struct {
	path   string
	values []string
}{
	{"mode", []string{"rehearsal"}},
	{"source.type", []string{"https"}},
	{"format.type", []string{"json"}},
	{"report.attach", []string{"results", "all"}},
}

// notBuiltFields are account fields of the contract that no feed can say yet.
var notBuiltFields = []string{"roles", "cohorts", "enrolments", "programs", "sessions"}

// notBuilt says what the key at path is for, "" where it is built or unknown.
func notBuilt(path string) string {
	for _, k := range notBuiltKeys {
		if matches(k.path, path) {
			return k.what
		}
	}
	return ""
}

// refuseValue refuses a value that is not built; n is what at stands for.
func (d *document) refuseValue(at, n *yaml.Node, t reflect.Type, path string) bool {
	if n.Kind != yaml.ScalarNode {
		return false
	}
	no := false
	for _, k := range notBuiltValues {
		no = no || slices.Contains(k.values, n.Value) && matches(k.path, path)
	}
	if t == reflect.TypeFor[roster.Field]() || t == reflect.TypeFor[roster.Name]() {
		no = no || slices.Contains(notBuiltFields, n.Value) || t == reflect.TypeFor[roster.Field]() && strings.HasPrefix(n.Value, "fields.")
	}
	if path == "language" && n.Value != "en" && n.Tag != "!!null" {
		no = true
	}
	if no {
		d.fail(at, path, codeNotBuilt, fmt.Sprintf("%s: %s is not built yet", path, n.Value), "")
	}
	return no
}

// matches compares a path with a pattern word by word; a custom field is one word.
func matches(pattern, path string) bool {
	path = strings.Replace(path, "map.fields.", "map.", 1)
	want, got := strings.Split(pattern, "."), strings.Split(path, ".")
	for i, w := range want {
		switch {
		case i >= len(got):
			return false
		case w == "*" && i == len(want)-1:
			return true
		case w != "*" && w != got[i]:
			return false
		}
	}
	return len(want) == len(got)
}
