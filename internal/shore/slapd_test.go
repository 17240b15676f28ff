package shore_test

import (
	"os/exec"
	"strings"
	"testing"

	"rollcall/internal/shore"
)

func TestOpenLDAPServesItsEntriesOverTLS(t *testing.T) {
	ldapsearch := shore.Need(t, "ldapsearch")
	server := shore.Slapd(t, shore.Directory{Entries: "dn: uid=ada,ou=People,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: ada\ncn: Ada\nsn: Lovelace\n"})
	server.Modify(t, "dn: uid=ada,ou=People,dc=example,dc=org\nchangetype: modify\nreplace: sn\nsn: Byron\n")
	for name, args := range map[string][]string{
		"ldaps":    {"-H", server.TLSURL},
		"starttls": {"-H", server.URL, "-ZZ"},
	} {
		cmd := exec.Command(ldapsearch, append(args, "-LLL", "-x", "-D", server.DN, "-w", server.Password, "-b", server.Base, "(uid=ada)", "sn")...)
		cmd.Env = []string{"LDAPTLS_CACERT=" + server.CAFile}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "sn: Byron") {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
	if !strings.Contains(server.Log(t), "BIND") {
		t.Error("the log tells of no bind")
	}
}
