package main

import (
	"os/exec"
	"strings"
	"testing"

	"rollcall/internal/secret"
	"rollcall/internal/source/sftpd"
)

func TestHostkeyShowPrintsTheLineThatPins(t *testing.T) {
	t.Parallel()
	server, err := sftpd.Start(t.TempDir(), sftpd.Options{User: "hr", Password: secret.Of("never sent")})
	if err != nil {
		t.Fatal(err)
	}
	addr, pin := server.Addr(), server.Fingerprint()
	out, err := exec.Command("rollcall", "hostkey", "show", addr).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"ssh-ed25519", `host_keys: ["` + pin + `"]`, "by phone or ticket"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("hostkey show says\n%s\nand not %q", out, want)
		}
	}
	if out, err = exec.Command("rollcall", "-o", "json", "hostkey", "show", addr).Output(); err != nil || !strings.Contains(string(out), `"fingerprint": "`+pin+`"`) {
		t.Errorf("as JSON: %s, %v", out, err)
	}
	if out, err = exec.Command("rollcall", "-o", "csv", "hostkey", "show", addr).Output(); err != nil || !strings.Contains(string(out), "type,fingerprint\nssh-ed25519,"+pin+"\n") {
		t.Errorf("as CSV: %s, %v", out, err)
	}

	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	gone := exec.Command("rollcall", "hostkey", "show", addr)
	out, _ = gone.CombinedOutput()
	if code := gone.ProcessState.ExitCode(); code != exitSource || !strings.Contains(string(out), "E401") {
		t.Errorf("a server that is gone: exit %d and\n%s\nwant %d and E401", code, out, exitSource)
	}
	out, err = exec.Command("rollcall", "hostkey", "accept", "hr", pin).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "source.host_keys") {
		t.Errorf("hostkey accept: %v\n%s", err, out)
	}
}
