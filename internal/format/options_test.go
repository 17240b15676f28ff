package format

import (
	"reflect"
	"testing"
)

func TestValidateReportsEverythingAtOnce(t *testing.T) {
	none, many := 0, 21
	tests := []struct {
		name string
		o    Options
		want []string // paths
	}{
		{"the least", Options{Content: "full"}, nil},
		{"a delta with all there is", Options{Type: "csv", Delimiter: "\t", Quote: "'", Encoding: "windows-1250", Header: &none, Columns: []string{"id", "name"}, Trailer: &Trailer{Starts: "T", Count: 2}, Content: "delta"}, nil},
		{"content is required", Options{}, []string{"content"}},
		{"unknown content", Options{Content: "all"}, []string{"content"}},
		{"xml", Options{Type: "xml", Record: "/staff/p:person", Namespaces: map[string]string{"p": "urn:p"}, Content: "full"}, nil},
		{"xml without a path", Options{Type: "xml", Content: "full"}, []string{"record"}},
		{"xml with what is for csv", Options{Type: "xml", Record: "/a/b", Delimiter: ";", Quote: "'", Header: &many, Trailer: &Trailer{"T", 1}, Content: "full"}, []string{"delimiter", "quote", "header", "trailer", "header"}},
		{"no path of elements", Options{Type: "xml", Record: "a/b", Content: "full"}, []string{"record"}},
		{"a path with a star", Options{Type: "xml", Record: "/a/*", Content: "full"}, []string{"record"}},
		{"a prefix that is not declared", Options{Record: "/q:a/b", Content: "full"}, []string{"record"}},
		{"a prefix without its namespace", Options{Type: "xml", Record: "/a/b", Namespaces: map[string]string{"p": "", "1": "urn:x"}, Content: "full"}, []string{"namespaces", "namespaces"}},
		{"a path for csv", Options{Type: "csv", Record: "/a/b", Content: "full"}, []string{"record"}},
		{"ldif", Options{Type: "ldif", Record: "inetOrgPerson", Dialect: "openldap", Columns: []string{"title"}, Content: "full"}, nil},
		{"other formats' keys in ldif", Options{Type: "ldif", Delimiter: ";", Quote: "'", Header: &many, Trailer: &Trailer{}, Namespaces: map[string]string{"p": "urn:p"}, Content: "full"}, []string{"delimiter", "quote", "header", "trailer", "namespaces"}},
		{"no class, dialect or attribute", Options{Type: "ldif", Record: "a b", Dialect: "ldap", Columns: []string{"mail", "a,b"}, Content: "full"}, []string{"dialect", "record", "columns[1]"}},
		{"ldif's keys in csv", Options{Type: "csv", Record: "user", Dialect: "ad", Content: "full"}, []string{"dialect", "record"}},
		{"json is not built yet", Options{Type: "json", Content: "full"}, []string{"type"}},
		{"no such format", Options{Type: "csvv", Content: "full"}, []string{"type"}},
		{"no such encoding", Options{Encoding: "utf-7", Content: "full"}, []string{"encoding"}},
		{"an encoding that changes midway", Options{Encoding: "iso-2022-jp", Content: "full"}, []string{"encoding"}},
		{"delimiters of several characters", Options{Delimiter: "||", Quote: "é", Content: "full"}, []string{"delimiter", "quote"}},
		{"a letter", Options{Delimiter: "a", Content: "full"}, []string{"delimiter"}},
		{"a line end", Options{Delimiter: "\n", Content: "full"}, []string{"delimiter"}},
		{"delimiter is quote", Options{Delimiter: `"`, Content: "full"}, []string{"delimiter"}},
		{"no header and no columns", Options{Header: &none, Content: "full"}, []string{"columns"}},
		{"header and columns", Options{Columns: []string{"id"}, Content: "full"}, []string{"columns"}},
		{"a tall header", Options{Header: &many, Content: "full"}, []string{"header"}},
		{"columns without or with the same name", Options{Header: &none, Columns: []string{"id", "ID ", ""}, Content: "full"}, []string{"columns[1]", "columns[2]"}},
		{"trailer", Options{Trailer: &Trailer{}, Content: "full"}, []string{"trailer.starts", "trailer.count"}},
		{"everything at once", Options{Type: "x", Delimiter: "ab", Encoding: "x"}, []string{"type", "delimiter", "encoding", "content"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, fault := range tt.o.Validate() {
				got = append(got, fault.Path)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("faults at %q, want %q", got, tt.want)
			}
		})
	}
}
