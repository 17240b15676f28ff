package format

import (
	"strings"
	"testing"
)

func TestWhatStandsBesideTheRecordsOfXMLIsFound(t *testing.T) {
	head := `<staff number="7"><head><n> 42 </n><n>43</n><deep a="5"/></head>`
	tail := ann + `<last n="9">3</last></staff>`
	for _, tt := range []struct {
		name, content, path, want string
		ok                        bool
	}{
		{"an attribute of the root", head + tail, "/staff/@number", "7", true},
		{"an element, the first of two", head + tail, "/staff/head/n", "42", true},
		{"an attribute of an element", head + tail, "/staff/head/deep/@a", "5", true},
		{"with a prefix in the file", strings.ReplaceAll(strings.ReplaceAll(head+tail, "<staff ", `<staff xmlns:p="urn:p" `), "number=", "p:number="), "/staff/@number", "7", true},
		{"what follows the records is not looked for", head + tail, "/staff/last", "", false},
		{"nothing of the name", head + tail, "/staff/@no", "", false},
		{"the name stands elsewhere", head + tail, "/staff/n", "", false},
		{"an element with others in it", head + tail, "/staff/head", "", false},
		{"another encoding", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><staff name=\"J\xe9r\xf4me\">" + tail, "/staff/@name", "Jérôme", true},
		{"a document type says nothing", "<!DOCTYPE staff [<!ENTITY n '7'>]>" + head + tail, "/staff/@number", "", false},
		{"it stands beyond what is looked through", "<staff>" + strings.Repeat("<x/>", maxBeside/4) + "<n>1</n>" + tail, "/staff/n", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Open(spool(t, []byte(tt.content)), "staff.xml", staffXML, 0)
			if err != nil {
				t.Fatal(err)
			}
			got, ok, err := f.Beside(tt.path, nil)
			if got != tt.want || ok != tt.ok || err != nil {
				t.Errorf("%q, %v, %v; want %q, %v", got, ok, err, tt.want, tt.ok)
			}
		})
	}
	f, err := Open(spool(t, []byte("id,name\n1,Ann\n")), "staff.csv", Options{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Beside("/staff/@number", nil); err == nil {
		t.Error("a path in CSV was looked for")
	}
	for _, path := range []string{"staff/@n", "/staff/@", "/sta ff/n", "/p:staff/@n"} {
		if CheckBeside(path, nil) == nil {
			t.Errorf("%q is a path", path)
		}
	}
}
