package shore

import (
	"bufio"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// part says which of the tests below that begin with TestPart is to play its
// part: they run in a process of their own, which is expected to end badly.
const part = "SHORE_TEST_PART"

func TestAMissingServerSkipsTheTestAndFailsItInCI(t *testing.T) {
	for _, tt := range []struct{ ci, want string }{
		{"", "--- SKIP: TestPartOfAMissingServer"},
		{"true", "--- FAIL: TestPartOfAMissingServer"},
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestPartOfAMissingServer$", "-test.v")
		cmd.Env = append(os.Environ(), part+"=missing", "CI="+tt.ci)
		out, _ := cmd.CombinedOutput() // an error means that the test failed, as one should
		for _, want := range []string{tt.want, "apt-get install --no-install-recommends nowhere"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("with CI=%q: output = %q, want %q in it", tt.ci, out, want)
			}
		}
	}
}

func TestPartOfAMissingServer(t *testing.T) {
	if os.Getenv(part) == "missing" {
		program{"/nowhere/*/server", "nowhere"}.need(t, "server")
	}
}

func TestServersEndWithATestBinaryThatIsKilled(t *testing.T) {
	for name := range programs {
		Need(t, name)
	}
	dir, err := folder("killed")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cmd := exec.Command(os.Args[0], "-test.run=^TestPartOfABinaryThatIsKilled$")
	cmd.Env = append(os.Environ(), part+"=killed", "TMPDIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var addrs []string
	for lines := bufio.NewScanner(out); len(addrs) < 3 && lines.Scan(); {
		addrs = append(addrs, lines.Text())
		if !listens(lines.Text()) {
			t.Errorf("nobody listens on %s before the kill", lines.Text())
		}
	}
	if len(addrs) < 3 {
		t.Errorf("servers = %d, want 3", len(addrs))
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed, and says so

	for _, addr := range addrs {
		for deadline := time.Now().Add(10 * time.Second); listens(addr); time.Sleep(glance) {
			if time.Now().After(deadline) {
				t.Fatalf("a server still listens on %s", addr)
			}
		}
	}
}

func TestPartOfABinaryThatIsKilled(t *testing.T) {
	if os.Getenv(part) != "killed" {
		return
	}
	dsn, err := url.Parse(Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{dsn.Host, SSHD(t).Addr, SMTP(t).Addr} {
		os.Stdout.WriteString(addr + "\n")
	}
	time.Sleep(time.Minute) // the kill comes long before
}

func TestTheNewestOfSeveralVersionsIsTaken(t *testing.T) {
	dir := t.TempDir()
	for _, version := range []string{"9.6", "15", "13"} {
		if err := os.MkdirAll(dir+"/"+version+"/bin", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.TrimPrefix(newest(dir+"/*/bin"), dir); got != "/15/bin" {
		t.Errorf("newest = %s, want /15/bin", got)
	}
}

func listens(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}
