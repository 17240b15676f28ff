// Package notify carries a finished message out. It has never heard of a run.
package notify

// A Message is one mail, ready to be sent: recipients, headers, text.
type Message struct {
	ID      string // Message-ID without angle brackets; the same again after a crash
	To      []string
	ReplyTo string // "" for none
	Subject string
	Text    string            // a paragraph a line: what begins with no blank is folded on its way
	HTML    string            // the same as a page; "" for none
	Headers map[string]string // beyond those that every mail has
	Attach  []Attachment
	High    bool   // importance
	Rules   string `json:",omitempty"` // by which Text and HTML tell of people; for who keeps it, and never sent
}

// An Attachment is a small file with a mail.
type Attachment struct {
	Name string
	Type string // like text/csv
	Data []byte
	File string // where Data is read from when the mail is sent; "" where it is here already
}
