// Package examples holds complete set-ups, each with a small drop and the plan
// that it gives; a test runs every one. [HRCSV] is the profile that the demo
// runs too: there is one file of it, so the two cannot drift apart.
package examples

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed hr-csv-sftp/profiles.d/hr-csv.yaml
var hrCSV string

// HRSite is the rollcall.yaml that goes with it.
//
//go:embed hr-csv-sftp/rollcall.yaml
var HRSite string

// A Server is where a profile finds its drops.
type Server struct {
	Host        string
	Port        int
	User        string
	KeyFile     string // the client's private key
	Fingerprint string // of the server's key
}

// HRCSV is the profile of hr-csv-sftp, pointed at another server and otherwise
// as it is.
func HRCSV(at Server) (string, error) {
	profile := hrCSV
	for _, line := range []struct{ was, is string }{
		{"  host: sftp.hr.example.org ", "  host: " + at.Host + " "},
		{"  port: 22 ", "  port: " + strconv.Itoa(at.Port) + " "},
		{"  user: rollcall ", "  user: " + strconv.Quote(at.User) + " "},
		{"  key: {file: ../client_key} ", "  key: {file: " + strconv.Quote(at.KeyFile) + "} "},
		{`"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"`, strconv.Quote(at.Fingerprint)},
	} {
		if strings.Count(profile, line.was) != 1 {
			return "", fmt.Errorf("hr-csv.yaml does not say %q exactly once", line.was)
		}
		profile = strings.Replace(profile, line.was, line.is, 1)
	}
	return profile, nil
}
