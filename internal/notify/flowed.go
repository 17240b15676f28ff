package notify

import (
	"strings"
	"unicode/utf8"
)

// flowedWidth is how long a line of a text is on its way, with its last blank.
const flowedWidth = 76

// flowed folds long lines as format=flowed has it (RFC 3676): a line that goes on
// ends in a blank, and a reader that knows this puts it together again, in the
// width of its window. A line that begins with a blank is laid out and stays as
// it is.
func flowed(text string) string {
	var b strings.Builder
	for _, line := range strings.SplitAfter(text, "\n") {
		end := ""
		if strings.HasSuffix(line, "\n") {
			end = "\n"
		}
		line = strings.TrimSuffix(line, "\n")
		if line != "-- " { // which begins a signature, and is the one line that may
			line = strings.TrimRight(line, " ")
		}
		if !strings.HasPrefix(line, " ") {
			for utf8.RuneCountInString(line) > flowedWidth {
				at := fold(line)
				if at < 0 {
					break
				}
				b.WriteString(stuffed(line[:at]) + "\n")
				line = line[at:]
			}
		}
		b.WriteString(stuffed(line) + end)
	}
	return b.String()
}

// fold is where a long line is broken: behind the last blank that fits, else
// behind the first one; -1 where there is none.
func fold(line string) int {
	best, seen := -1, 0
	for i, r := range line {
		if seen++; r != ' ' || i == len(line)-1 || line[i+1] == ' ' {
			continue
		}
		if seen > flowedWidth && best > 0 {
			break
		}
		best = i + 1
		if seen > flowedWidth {
			break
		}
	}
	return best
}

// stuffed puts a blank before what would else be taken for a quotation, for the
// beginning of a mailbox's next mail, or for such a blank itself.
func stuffed(line string) string {
	if strings.HasPrefix(line, " ") || strings.HasPrefix(line, ">") || strings.HasPrefix(line, "From ") {
		return " " + line
	}
	return line
}
