package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"rollcall/internal/roster"
)

// maxKnownHosts bounds the file, in bytes.
const maxKnownHosts = 16 << 20

// An OfferedKey is a host key as a server offers it.
type OfferedKey struct{ Type, Fingerprint string }

func (k OfferedKey) String() string { return k.Type + " " + k.Fingerprint }

// HostKey asks a server, host or host:port, for its keys, without logging in.
func HostKey(ctx context.Context, host string) ([]OfferedKey, error) {
	addr := host
	if _, _, err := net.SplitHostPort(host); err != nil {
		addr = net.JoinHostPort(strings.Trim(host, "[]"), "22")
	}
	return offers(ctx, addr, ordinary())
}

// errSeen ends a handshake in which we only wanted to see the key.
var errSeen = errors.New("seen")

// offers collects the server's keys, one connection for each type.
func offers(ctx context.Context, addr string, t timing) ([]OfferedKey, error) {
	var found []OfferedKey
	for _, k := range plainKinds() {
		var seen *OfferedKey
		_, err := handshake(ctx, addr, t, &ssh.ClientConfig{
			HostKeyAlgorithms: k.algorithms,
			HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
				seen = &OfferedKey{key.Type(), ssh.FingerprintSHA256(key)}
				return errSeen
			},
		})
		switch {
		case seen != nil:
			found = append(found, *seen)
		case hasNoSuchKey(err):
		default:
			return nil, unreached(ctx, addr, err)
		}
	}
	return found, nil
}

// A kind is a type of host key and the algorithms by which a server proves it.
type kind struct {
	name       string
	algorithms []string
}

// plainKinds are the kinds without certificates and without SHA-1, best first.
func plainKinds() []kind {
	var kinds []kind
	for _, a := range ssh.SupportedAlgorithms().HostKeys {
		name := a
		if strings.HasPrefix(a, "rsa-sha2-") {
			name = ssh.KeyAlgoRSA
		}
		switch i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name }); {
		case strings.Contains(a, "-cert-"):
		case i >= 0:
			kinds[i].algorithms = append(kinds[i].algorithms, a)
		default:
			kinds = append(kinds, kind{name, []string{a}})
		}
	}
	slices.SortStableFunc(kinds, func(a, b kind) int { return rank(a.name) - rank(b.name) })
	return kinds
}

func rank(name string) int {
	if i := slices.Index([]string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA}, name); i >= 0 {
		return i
	}
	return 100
}

// certificates is the kind of all host certificates.
func certificates() kind {
	k := kind{name: "certificate"}
	for _, a := range ssh.SupportedAlgorithms().HostKeys {
		if strings.Contains(a, "-cert-") {
			k.algorithms = append(k.algorithms, a)
		}
	}
	return k
}

// A trust is which host keys are believed of one server.
type trust struct {
	addr      string
	pins      []string            // fingerprints
	file      string              // known_hosts; "" for none
	known     ssh.HostKeyCallback // of file; nil for none
	keys      []ssh.PublicKey     // of file, for this server
	authority bool                // file names an authority for this server's certificates
}

func newTrust(o Options, addr string) (*trust, error) {
	t := &trust{addr: addr, pins: o.HostKeys, file: o.KnownHosts}
	if t.file == "" {
		return t, nil
	}
	info, err := os.Stat(t.file)
	if err != nil {
		return nil, fmt.Errorf("source.known_hosts: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxKnownHosts {
		return nil, fmt.Errorf("source.known_hosts: %s is not a regular file of at most %d MiB", t.file, maxKnownHosts>>20)
	}
	text, err := os.ReadFile(t.file)
	if err != nil {
		return nil, fmt.Errorf("source.known_hosts: %w", err)
	}
	if t.known, err = knownhosts.New(t.file); err != nil {
		return nil, fmt.Errorf("source.known_hosts: %w", err)
	}
	// Which keys are on file is told only to somebody who offers another one.
	lines := bytes.Split(text, []byte("\n"))
	unknown, isUnknown := errors.AsType[*knownhosts.KeyError](t.known(addr, &net.TCPAddr{}, noKey{}))
	if !isUnknown {
		return nil, fmt.Errorf("source.known_hosts: %s says nothing of %s that can be read", t.file, addr)
	}
	for _, w := range unknown.Want {
		if w.Line >= 1 && w.Line <= len(lines) && bytes.HasPrefix(bytes.TrimSpace(lines[w.Line-1]), []byte("@cert-authority")) {
			t.authority = true
			continue
		}
		t.keys = append(t.keys, w.Key)
	}
	return t, nil
}

// noKey is a key that nobody has.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return nil }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

// kinds are what the server may prove itself with. Only types that are on file
// are asked for, because any other would look like an attack; of a pin the type
// is not known.
func (t *trust) kinds() []kind {
	kinds := plainKinds()
	if len(t.pins) == 0 && (len(t.keys) > 0 || t.authority) {
		kinds = slices.DeleteFunc(kinds, func(k kind) bool {
			return !slices.ContainsFunc(t.keys, func(key ssh.PublicKey) bool { return key.Type() == k.name })
		})
	}
	if t.authority {
		kinds = slices.Insert(kinds, 0, certificates())
	}
	return kinds
}

// errStranger means that nobody has vouched for the key.
var errStranger = errors.New("host key is not trusted")

// check tells whether key is believed.
func (t *trust) check(addr string, remote net.Addr, key ssh.PublicKey) error {
	if cert, ok := key.(*ssh.Certificate); ok {
		if !t.authority {
			return errStranger
		}
		for _, part := range []ssh.PublicKey{cert.SignatureKey, cert.Key} { // either may be revoked
			if err := t.known(addr, remote, part); isRevoked(err) {
				return err
			}
		}
		return t.known(addr, remote, key)
	}
	if t.known != nil {
		if err := t.known(addr, remote, key); isRevoked(err) {
			return err
		}
	}
	if slices.Contains(t.pins, ssh.FingerprintSHA256(key)) {
		return nil
	}
	if slices.ContainsFunc(t.keys, func(k ssh.PublicKey) bool { return bytes.Equal(k.Marshal(), key.Marshal()) }) {
		return nil
	}
	return errStranger
}

func isRevoked(err error) bool {
	_, ok := errors.AsType[*knownhosts.RevokedError](err)
	return ok
}

// refusal tells an unknown server from one that has changed.
func (t *trust) refusal(offered []OfferedKey, revoked bool) error {
	r := &roster.Refusal{Code: "E403"}
	got := "no key of a type that rollcall accepts"
	if len(offered) > 0 {
		got = join(offered)
	}
	var expected []string
	for _, pin := range t.pins {
		expected = append(expected, pin+" (source.host_keys)")
	}
	for _, key := range t.keys {
		expected = append(expected, OfferedKey{key.Type(), ssh.FingerprintSHA256(key)}.String()+" ("+t.file+")")
	}
	if t.authority {
		expected = append(expected, "a certificate of the authority in "+t.file)
	}
	const sent = "; no login was sent"
	switch {
	case revoked:
		r.Text = fmt.Sprintf("%s offered %s, a key that is marked as revoked in %s", t.addr, got, t.file) + sent
		r.Fix = "ask the server's owner for its new fingerprint and pin that one in source.host_keys"
	case len(expected) == 0:
		r.Text = fmt.Sprintf("%s is unknown: it offered %s, and %s has no line for it", t.addr, got, t.file) + sent
		r.Fix = "compare the fingerprint with the server's owner by phone or ticket; if it matches, pin it in source.host_keys"
	default:
		r.Text = fmt.Sprintf("%s offered %s; expected %s", t.addr, got, strings.Join(expected, " or ")) + sent
	}
	return r
}

func join(keys []OfferedKey) string {
	var s []string
	for _, k := range keys {
		s = append(s, k.String())
	}
	return strings.Join(s, " and ")
}
