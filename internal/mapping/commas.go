package mapping

import "strings"

// commaWords are how the upload tools of Moodle and its kin write a comma (R12).
var commaWords = strings.NewReplacer("&#44;", ",", "&#44", ",")

// commas puts the commas into cells. What needs none stays as it is.
func commas(cells []string) []string {
	var fresh []string
	for i, cell := range cells {
		if !strings.Contains(cell, "&#44") {
			continue
		}
		if fresh == nil {
			fresh = append([]string(nil), cells...)
		}
		fresh[i] = commaWords.Replace(cell)
	}
	if fresh == nil {
		return cells
	}
	return fresh
}
