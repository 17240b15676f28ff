package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// The messages of LDAP (RFC 4511) that a reader needs: bind, extended, search.
// go-ldap makes a tree of packets of each entry, which takes four times as long
// and a hundred times the memory, and its bounds are variables of a package; so
// messages are read here, and each is cut along what it must be made of. Nothing
// is followed deeper than that, so there is no nesting to bound.

const (
	maxMessage  = 16 << 20 // bytes of one message
	maxDialogue = 1 << 20  // of one that is no entry
)

// Tags of messages and their parts.
const (
	tagBoolean    = 0x01
	tagInteger    = 0x02
	tagOctets     = 0x04
	tagEnumerated = 0x0a
	tagSequence   = 0x30
	tagSet        = 0x31
	tagControls   = 0xa0

	bindRequest      = 0x60
	bindResponse     = 0x61
	searchRequest    = 0x63
	searchEntry      = 0x64
	searchDone       = 0x65
	searchReference  = 0x73
	extendedRequest  = 0x77
	extendedResponse = 0x78
	intermediate     = 0x79
)

// Names of controls and operations.
const (
	oidStartTLS = "1.3.6.1.4.1.1466.20037"
	oidPaging   = "1.2.840.113556.1.4.319"
	oidPolicy   = "1.3.6.1.4.1.42.2.27.8.5.1"
)

var errMalformed = errors.New("it sent a message that is not LDAP")

// tlv writes one element.
func tlv(tag byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	b := []byte{tag}
	switch {
	case n < 0x80:
		b = append(b, byte(n))
	case n < 1<<16:
		b = append(b, 0x82, byte(n>>8), byte(n))
	default:
		b = append(b, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func octets(s string) []byte { return tlv(tagOctets, []byte(s)) }

// number writes a number that is not negative.
func number(tag byte, n int) []byte {
	return tlv(tag, []byte{byte(n >> 24 & 0x7f), byte(n >> 16), byte(n >> 8), byte(n)})
}

func boolean(v bool) []byte {
	if v {
		return tlv(tagBoolean, []byte{0xff})
	}
	return tlv(tagBoolean, []byte{0})
}

// control writes one that asks for something; value may be nil.
func control(oid string, critical bool, value []byte) []byte {
	parts := [][]byte{octets(oid)}
	if critical {
		parts = append(parts, boolean(true))
	}
	if value != nil {
		parts = append(parts, tlv(tagOctets, value))
	}
	return tlv(tagSequence, parts...)
}

// element cuts the first element off b. Lengths of unknown end and tags of
// several bytes are no part of LDAP.
func element(b []byte) (tag byte, body, rest []byte, err error) {
	if len(b) < 2 || b[0]&0x1f == 0x1f {
		return 0, nil, nil, errMalformed
	}
	n, i := int(b[1]), 2
	if n >= 0x80 {
		k := n & 0x7f
		if k == 0 || k > 4 || len(b) < 2+k {
			return 0, nil, nil, errMalformed
		}
		n = 0
		for _, c := range b[2 : 2+k] {
			n = n<<8 | int(c)
		}
		i += k
	}
	if n > len(b)-i {
		return 0, nil, nil, errMalformed
	}
	return b[0], b[i : i+n], b[i+n:], nil
}

// part cuts an element of a certain kind off b.
func part(b []byte, tag byte) (body, rest []byte, err error) {
	got, body, rest, err := element(b)
	if err == nil && got != tag {
		err = errMalformed
	}
	return body, rest, err
}

// whole reads a number of at most four bytes.
func whole(body []byte) (int, error) {
	if len(body) == 0 || len(body) > 4 {
		return 0, errMalformed
	}
	n := int(int8(body[0]))
	for _, c := range body[1:] {
		n = n<<8 | int(c)
	}
	return n, nil
}

// A wire is a connection on which messages go to and fro, one question at a time.
type wire struct {
	conn   net.Conn
	r      *bufio.Reader
	server string        // its URL
	away   []string      // why those before it were not asked
	stall  time.Duration // for which it may be silent
	id     int           // of the last question
	buf    []byte
}

func newWire(conn net.Conn, stall time.Duration) *wire {
	w := &wire{conn: conn, stall: stall}
	w.r = bufio.NewReaderSize(w, 64<<10)
	return w
}

// Read waits for the other side no longer than it may be silent.
func (w *wire) Read(p []byte) (int, error) {
	if err := w.conn.SetReadDeadline(time.Now().Add(w.stall)); err != nil {
		return 0, err
	}
	return w.conn.Read(p)
}

// ask sends a question.
func (w *wire) ask(op []byte, controls ...[]byte) error {
	w.id++
	message := tlv(tagSequence, number(tagInteger, w.id), op)
	if len(controls) > 0 {
		message = tlv(tagSequence, number(tagInteger, w.id), op, tlv(tagControls, controls...))
	}
	if err := w.conn.SetWriteDeadline(time.Now().Add(w.stall)); err != nil {
		return err
	}
	_, err := w.conn.Write(message)
	return err
}

// A message is one of the other side, which lasts until the next.
type message struct {
	tag      byte
	body     []byte
	controls []byte // the elements themselves
}

// next reads the next message that answers the last question.
func (w *wire) next() (message, error) {
	head, err := w.r.Peek(2)
	if err != nil {
		return message{}, err
	}
	n, i := int(head[1]), 2
	if head[0] != tagSequence || n == 0x80 || n > 0x84 {
		return message{}, errMalformed
	}
	if n > 0x80 {
		k := n & 0x7f
		if head, err = w.r.Peek(2 + k); err != nil {
			return message{}, err
		}
		n = 0
		for _, c := range head[2:] {
			n = n<<8 | int(c)
		}
		i += k
	}
	if n > maxMessage {
		return message{}, fmt.Errorf("it sent a message of more than %d MiB", maxMessage>>20)
	}
	if _, err := w.r.Discard(i); err != nil {
		return message{}, err
	}
	if err := w.fill(n); err != nil {
		return message{}, err
	}
	return w.parse(w.buf)
}

// fill reads n bytes. Room is made as they come, not as they are promised.
func (w *wire) fill(n int) error {
	w.buf = w.buf[:0]
	for len(w.buf) < n {
		from := len(w.buf)
		w.buf = append(w.buf, make([]byte, min(n-from, max(64<<10, from)))...)
		if _, err := io.ReadFull(w.r, w.buf[from:]); err != nil {
			return err
		}
	}
	return nil
}

func (w *wire) parse(b []byte) (message, error) {
	body, rest, err := part(b, tagInteger)
	if err != nil {
		return message{}, err
	}
	id, err := whole(body)
	if err != nil {
		return message{}, err
	}
	var m message
	if m.tag, m.body, rest, err = element(rest); err != nil {
		return message{}, err
	}
	if len(rest) > 0 {
		if m.controls, _, err = part(rest, tagControls); err != nil {
			return message{}, err
		}
	}
	switch {
	case id == 0 && m.tag == extendedResponse:
		res, err := m.result()
		if err != nil {
			return message{}, err
		}
		return message{}, fmt.Errorf("it said that it ends the connection (%s)", codeName(res.code))
	case id != w.id:
		return message{}, errors.New("it answered a question that nobody had asked")
	case m.tag != searchEntry && len(b) > maxDialogue:
		return message{}, errMalformed
	}
	return m, nil
}

// A result is how a question ended.
type result struct {
	code     int
	text     string // the server's words: for looking into, never for showing
	controls []byte
}

func (m message) result() (result, error) {
	body, rest, err := part(m.body, tagEnumerated)
	if err != nil {
		return result{}, err
	}
	code, err := whole(body)
	if err != nil {
		return result{}, err
	}
	if _, rest, err = part(rest, tagOctets); err != nil { // the nearest DN that is there
		return result{}, err
	}
	text, _, err := part(rest, tagOctets)
	return result{code: code, text: string(text), controls: bytes.Clone(m.controls)}, err
}

// answer reads the one message that answers the last question.
func (w *wire) answer(tag byte) (result, error) {
	m, err := w.next()
	if err != nil {
		return result{}, err
	}
	if m.tag != tag {
		return result{}, errMalformed
	}
	return m.result()
}

// control finds the value of a control; ok is false where there is none of that name.
func (r result) control(oid string) (value []byte, ok bool, err error) {
	for rest := r.controls; len(rest) > 0; {
		var one, name []byte
		if one, rest, err = part(rest, tagSequence); err != nil {
			return nil, false, err
		}
		if name, one, err = part(one, tagOctets); err != nil {
			return nil, false, err
		}
		if string(name) != oid {
			continue
		}
		if len(one) > 0 && one[0] == tagBoolean {
			if _, one, err = part(one, tagBoolean); err != nil {
				return nil, false, err
			}
		}
		if len(one) > 0 {
			value, _, err = part(one, tagOctets)
		}
		return value, true, err
	}
	return nil, false, nil
}

// cookie is where the next page begins; "" where there is none.
func (r result) cookie() (cookie string, paged bool, err error) {
	value, paged, err := r.control(oidPaging)
	if err != nil || !paged {
		return "", paged, err
	}
	seq, _, err := part(value, tagSequence)
	if err != nil {
		return "", true, err
	}
	if _, seq, err = part(seq, tagInteger); err != nil { // an estimate
		return "", true, err
	}
	next, _, err := part(seq, tagOctets)
	return string(next), true, err
}

// policy is what the password policy says of a login: -1 for nothing.
func (r result) policy() int {
	value, ok, err := r.control(oidPolicy)
	if err != nil || !ok {
		return -1
	}
	seq, _, err := part(value, tagSequence)
	for err == nil && len(seq) > 0 {
		var tag byte
		var body []byte
		if tag, body, seq, err = element(seq); err == nil && tag == 0x81 {
			if n, err := whole(body); err == nil {
				return n
			}
		}
	}
	return -1
}
