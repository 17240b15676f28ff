package source_test

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall/internal/proof"
	"rollcall/internal/shore"
	"rollcall/internal/source"
)

// TestADirectoryIsReadInBoundedMemoryAndBesideLdapsearch reads some 2,000 people,
// and in the long form 100,000, in a process of its own, and compares it with
// ldapsearch, which asks for the same attributes in the same pages over TLS too.
func TestADirectoryIsReadInBoundedMemoryAndBesideLdapsearch(t *testing.T) {
	if server := os.Getenv("ROLLCALL_TEST_LDAP"); server != "" {
		var o source.Options
		url, rest, _ := strings.Cut(server, " ")
		ca, password, _ := strings.Cut(rest, " ")
		reads(&o, url, ca, "cn=rollcall,dc=example,dc=org", password)
		src, err := source.Open(t.Context(), o, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		if _, err := src.Fetch(t.Context(), source.File{Name: "people.ldif"}, t.TempDir()); err != nil {
			t.Fatal(err)
		}
		status, err := os.ReadFile("/proc/self/status") // what wait tells of a child has the parent's memory in it
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s", status)
		return
	}
	t.Parallel()
	ldapsearch := shore.Need(t, "ldapsearch")
	n := proof.Long(2_000, 100_000)
	s, o := directory(t, shore.Directory{Entries: people(n)})

	const mostMemory, mostTimes = 64 << 20, 3
	ratio := 0.0
	for range 3 { // the machine may be busy with other things; the best of three counts
		peer := exec.Command(ldapsearch, append([]string{
			"-LLL", "-o", "ldif-wrap=no", "-x", "-H", s.TLSURL, "-D", s.DN, "-w", s.Password, "-b", s.Base, "-E", "pr=500/noprompt", o.Filter,
		}, o.Attributes...)...)
		peer.Env = []string{"LDAPTLS_CACERT=" + s.CAFile}
		began := time.Now()
		out, err := peer.Output()
		theirs := time.Since(began)
		if err != nil || strings.Count(string(out), "dn: ") != n {
			t.Fatalf("ldapsearch: %v, %d entries", err, strings.Count(string(out), "dn: "))
		}

		us := exec.Command(os.Args[0], "-test.v", "-test.run", "^"+t.Name()+"$")
		us.Env = append(os.Environ(), "ROLLCALL_TEST_LDAP="+s.TLSURL+" "+s.CAFile+" "+o.Bind.Password.File)
		began = time.Now()
		out, err = us.CombinedOutput()
		ours := time.Since(began)
		peak := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(out)
		if err != nil || peak == nil {
			t.Fatalf("%v: %s", err, out)
		}
		memory, err := strconv.ParseInt(string(peak[1]), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		memory <<= 10
		times := ours.Seconds() / theirs.Seconds()
		if ratio == 0 || times < ratio {
			ratio = times
		}
		t.Logf("%d people: %.2f s (%.2f s of CPU) and %d MiB, ldapsearch %.2f s (%.2f s of CPU): %.2f times", n, ours.Seconds(), us.ProcessState.UserTime().Seconds()+us.ProcessState.SystemTime().Seconds(), memory>>20,
			theirs.Seconds(), peer.ProcessState.UserTime().Seconds()+peer.ProcessState.SystemTime().Seconds(), times)
		if memory > mostMemory {
			t.Errorf("%d MiB for %d people, want at most %d", memory>>20, n, mostMemory>>20)
		}
	}
	if n > 10_000 && ratio > mostTimes {
		t.Errorf("%.1f times as long as ldapsearch, want at most %d", ratio, mostTimes)
	}
	proof.Note(t, "a directory is read", proof.Count{What: "entries", N: n}, proof.Count{What: "percent of ldapsearch's time", N: int(ratio * 100)})
}
