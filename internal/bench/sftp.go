package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const sftpCase = "SFTP fetch with hash"

// A fetchResult is one file fetched by the program and by OpenSSH's sftp.
type fetchResult struct {
	bytes        int64
	ours, theirs []sample
}

// fetched is how large the file is.
func (b *bench) fetched() int64 {
	if b.judged() >= 100_000 {
		return 200 << 20
	}
	return 20 << 20
}

// sftp has the program fetch a file that it refuses after the fetch, for what
// it begins with: so that nothing but the fetch takes time. The hash in the
// journal proves that all of it has arrived.
func (b *bench) sftp(ctx context.Context) error {
	dir := filepath.Join(b.dir, "sftp")
	server, err := startSSH(ctx, dir)
	if err != nil {
		return err
	}
	defer server.stop()
	sum, err := writePage(filepath.Join(server.home, "staff.csv"), b.fetched())
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(server.home, "staff.done"), nil, 0o644); err != nil {
		return err
	}
	config := filepath.Join(dir, "rollcall.yaml")
	if err := os.MkdirAll(filepath.Join(dir, "profiles.d"), 0o755); err != nil {
		return err
	}
	profile := fmt.Sprintf(`version: 1
source: {type: sftp, host: 127.0.0.1, port: %d, user: %s, key: {file: %q}, known_hosts: %q, path: %q, ready: "*.done", max_size: 1GB}
format: {content: full}
match: {key: employee_id}
map: {employee_id: PersonNo, username: Login, first_name: GivenName, last_name: FamilyName, email: WorkEmail}
`, server.port, server.user, server.key, server.knownHosts, filepath.Join(server.home, "staff.csv"))
	if err := errors.Join(os.WriteFile(config, []byte("version: 1\n"), 0o600), os.WriteFile(filepath.Join(dir, "profiles.d", "bench.yaml"), []byte(profile), 0o600)); err != nil {
		return err
	}
	ours := step{path: b.program, args: []string{"--config", config, "run", "bench"}, exits: []int{12}}
	theirs := step{path: "sftp", args: []string{
		"-q", "-P", strconv.Itoa(server.port), "-i", server.key, "-o", "UserKnownHostsFile=" + server.knownHosts, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "User=" + server.user,
		"127.0.0.1:" + filepath.Join(server.home, "staff.csv"), filepath.Join(dir, "copy.csv"),
	}}
	none := func() (int64, error) { return 0, nil }
	r := fetchResult{bytes: b.fetched()}
	for range max(3, b.runs) {
		mine, err := measure(ctx, []step{ours}, 0, none)
		if err != nil {
			return err
		}
		if err := b.arrived(ctx, config, sum); err != nil {
			return err
		}
		other, err := measure(ctx, []step{theirs}, 0, none)
		if err != nil {
			return err
		}
		r.ours, r.theirs = append(r.ours, mine), append(r.theirs, other)
	}
	b.fetches = append(b.fetches, r)
	b.say("%s, %d MiB: %s, %s × sftp", sftpCase, r.bytes>>20, seconds(middle(r.ours).wall), short(ratio(r.ours, r.theirs)))
	return nil
}

// arrived compares the hash in the journal with that of the file.
func (b *bench) arrived(ctx context.Context, config, sum string) error {
	text, err := step{path: b.program, args: []string{"--config", config, "runs", "show", "last", "-o", "json"}}.run(ctx, nil)
	if err != nil {
		return err
	}
	var got struct {
		Input struct {
			SHA256 string `json:"sha256"`
		} `json:"input"`
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		return err
	}
	if got.Input.SHA256 != sum {
		return fmt.Errorf("the journal has a file with the hash %q, and the server one with %q", got.Input.SHA256, sum)
	}
	return nil
}

// writePage writes a page of so many bytes, and answers with its hash.
func writePage(path string, size int64) (string, error) {
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	to := io.MultiWriter(file, hash)
	_, err = io.WriteString(to, "<html>\n")
	d := dice(1)
	line := make([]byte, 0, 256)
	for n := int64(7); n < size && err == nil; n += int64(len(line)) {
		line = line[:0]
		for len(line) < 200 {
			line = strconv.AppendInt(line, int64(d.below(1<<30)), 36)
		}
		line = append(line, '\n')
		_, err = to.Write(line)
	}
	return hex.EncodeToString(hash.Sum(nil)), errors.Join(err, file.Close())
}

func (b *bench) fetchRatio() float64 {
	if len(b.fetches) == 0 {
		return 0
	}
	return ratio(b.fetches[0].ours, b.fetches[0].theirs)
}

func (b *bench) fetchTable(w *strings.Builder) {
	if len(b.fetches) == 0 {
		return
	}
	w.WriteString("\n## Fetching over SFTP\n\nFrom a real OpenSSH server on loopback, the whole command: start, login, copy, and with rollcall the hash, the journal and the report.\n\n" +
		"| file | rollcall | CPU | peak RSS | OpenSSH's sftp | ratio |\n|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range b.fetches {
		m := middle(r.ours)
		fmt.Fprintf(w, "| %d MiB | %s | %.2f s | %d MiB | %s | %s |\n", r.bytes>>20, seconds(m.wall), m.cpu.Seconds(), m.rss>>20, seconds(middle(r.theirs).wall), short(ratio(r.ours, r.theirs)))
	}
}

// sshd is an OpenSSH server of our own, for one user and SFTP alone.
type sshd struct {
	home, key, knownHosts, user string
	port                        int
	cmd                         *exec.Cmd
}

func startSSH(ctx context.Context, dir string) (*sshd, error) {
	program := "/usr/sbin/sshd"
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("%w; install the package openssh-server", err)
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	s := &sshd{home: filepath.Join(dir, "home"), key: filepath.Join(dir, "key"), knownHosts: filepath.Join(dir, "known_hosts"), user: me.Username}
	if err := os.MkdirAll(s.home, 0o755); err != nil {
		return nil, err
	}
	host := filepath.Join(dir, "host")
	for _, path := range []string{host, s.key} {
		if out, err := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
	}
	public, err := os.ReadFile(s.key + ".pub")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "authorized_keys"), public, 0o600); err != nil {
		return nil, err
	}
	if me.Uid == "0" { // it wants this folder, which Debian makes when it starts its own
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return nil, err
		}
	}
	for range 5 {
		s.port = 15_000 + rand.IntN(17_000)
		if err = s.run(program, dir, host); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	hostKey, err := os.ReadFile(host + ".pub")
	if err != nil {
		return nil, err
	}
	return s, os.WriteFile(s.knownHosts, fmt.Appendf(nil, "[127.0.0.1]:%d %s", s.port, hostKey), 0o600)
}

func (s *sshd) run(program, dir, host string) error {
	args := []string{"-D", "-e", "-f", "/dev/null"}
	for _, o := range []string{
		"Port=" + strconv.Itoa(s.port), "ListenAddress=127.0.0.1", "HostKey=" + host, "PidFile=none", "StrictModes=no", "UsePAM=no", "UseDNS=no",
		"AuthorizedKeysFile=" + filepath.Join(dir, "authorized_keys"), "PasswordAuthentication=no", "KbdInteractiveAuthentication=no",
		"PermitRootLogin=prohibit-password", "Subsystem=sftp internal-sftp", "ForceCommand=internal-sftp", "AllowTcpForwarding=no", "PermitTTY=no",
	} {
		args = append(args, "-o", o)
	}
	var log head
	s.cmd = exec.Command(program, args...) // stop ends it
	s.cmd.Stdout, s.cmd.Stderr = &log, &log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for range 100 {
		time.Sleep(50 * time.Millisecond)
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
		if err != nil {
			continue
		}
		greeting := make([]byte, 4)
		_, err = io.ReadFull(c, greeting)
		c.Close()
		if err == nil && string(greeting) == "SSH-" {
			return nil
		}
	}
	s.stop()
	return fmt.Errorf("sshd was not ready after 5 s: %s", log.tail())
}

func (s *sshd) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended
	_ = s.cmd.Wait()                          // and how says nothing
}
